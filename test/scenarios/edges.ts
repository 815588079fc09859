// Names that resolve to another address here than at the helper, as those of content networks do: that alone is nothing, also when the
// near address is gone for everybody.

import { clearTextPage, lasting, page, type Scenario, site } from './scenario.ts'

/** Every resolver that can be asked from here gives the near front, as those that are told where one asks from do. */
const near = (edge: string): Scenario['rules'] => [
  { kind: 'resolver', name: site, answer: { address: edge } },
  { kind: 'resolver_hijack' },
]
/** The provider's own resolver alone does. */
const nearOfProvider = (edge: string): Scenario['rules'] => near(edge).slice(0, 1)
const good = 'edge.news.example'
const gone = 'gone-edge.example'

export const edgesUnblocked: readonly Scenario[] = [
  {
    name: 'every resolver here gives a nearer front, over TLS',
    input: page,
    rules: near(good),
    expect: { verdict: 'ok' },
  },
  {
    name: 'every resolver here gives a nearer front, in clear text',
    input: clearTextPage,
    rules: near(good),
    expect: { verdict: 'ok', rule: 'same_page_outside' },
  },
  ...([page, clearTextPage] as const).flatMap((input): Scenario[] => {
    const how = new URL(input).protocol.slice(0, -1)
    return [
      {
        name: `every resolver here gives a nearer front that is gone for everybody, ${how}`,
        input,
        rules: near(gone),
        repeatAfterSeconds: lasting,
        expect: { verdict: ['ok', 'undetermined'] },
      },
      {
        name: `the provider's resolver gives a front in the same network that is gone for everybody, ${how}`,
        input,
        rules: nearOfProvider(gone),
        repeatAfterSeconds: lasting,
        expect: { verdict: ['ok', 'undetermined'] },
      },
    ]
  }),
]

export const edgeScenarios: readonly Scenario[] = [
  {
    name: 'every resolver here gives a nearer front, and the server name is reset there',
    input: page,
    rules: [...near(good), { kind: 'server_name', name: site, action: 'reset' }],
    expect: { verdict: 'anomaly', step: 'tls_handshake' },
  },
  {
    name: 'every resolver here gives a nearer front, and its address is dropped',
    input: page,
    rules: [...near(good), { kind: 'address', site: good, action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', step: 'connect' },
  },
]
