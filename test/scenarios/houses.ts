// Filters that people have in their houses, routers that hand on what a provider forges, and zones that their owners broke: what
// looks like a lie of the provider's resolver and is none, and what hides behind it. The lab's resolver of the provider stands for the
// one of the house.

import type { DnsAnswer, Rule } from '../lab/policy.ts'
import { advertisers } from '../lab/topology.ts'
import { clearTextPage, everyWay, lasting, page, type Scenario, site } from './scenario.ts'

const answering = (answer: DnsAnswer, ...names: readonly string[]): Rule[] =>
  names.map((name) => ({ kind: 'resolver', name, answer }))

/** What filters answer with: nothing, nowhere, or a page of their own. */
const ways: readonly (readonly [string, DnsAnswer])[] = [
  ['says NXDOMAIN', 'nxdomain'],
  ['says that there is no address', 'empty'],
  ['refuses', 'refused'],
  ['gives 0.0.0.0', { address: '0.0.0.0' }],
  ['shows a page of its own', { address: 'notice.example' }],
]

const filtered = { verdict: 'undetermined', rule: 'filtered_in_house' } as const

export const housesUnblocked: readonly Scenario[] = [
  ...ways.flatMap(([how, answer]) =>
    [page, clearTextPage].map(
      (input): Scenario => ({
        name: `a filter in the house ${how}, ${new URL(input).protocol.slice(0, -1)}`,
        input,
        rules: answering(answer, site, ...advertisers),
        repeatAfterSeconds: lasting,
        expect: filtered,
      }),
    ),
  ),
  {
    name: 'a filter in the house has one answer for sites and another for advertisers',
    input: page,
    rules: [...answering('nxdomain', site), ...answering({ address: '0.0.0.0' }, ...advertisers)],
    repeatAfterSeconds: lasting,
    expect: filtered,
  },
  {
    name: 'a filter in the house answers whichever resolver is asked',
    input: page,
    rules: [...answering('nxdomain', site, ...advertisers), { kind: 'resolver_hijack' }],
    repeatAfterSeconds: lasting,
    expect: filtered,
  },
  {
    name: 'a filter in the house, and a site that is not on its list',
    input: page,
    rules: answering('nxdomain', ...advertisers),
    expect: { verdict: 'ok', step: null },
  },
  // Every resolver that validates says SERVFAIL, as does the helper's.
  {
    name: 'a zone that its owner broke',
    input: 'https://broken-zone.example/',
    rules: [],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'undetermined', step: 'resolve' },
  },
]

export const houseScenarios: readonly Scenario[] = [
  // What a provider forges about a site is none of the filter's answers.
  ...everyWay({
    name: 'a filter in the house, and a provider that gives the address of a block page',
    input: page,
    rules: [...answering('nxdomain', ...advertisers), ...answering({ address: 'notice.example' }, site)],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly' },
  }),
  {
    name: 'a filter in the house, and the server name is reset',
    input: page,
    rules: [...answering('nxdomain', ...advertisers), { kind: 'server_name', name: site, action: 'reset' }],
    expect: { verdict: 'anomaly', step: 'tls_handshake' },
  },
  {
    name: 'one advertiser is gone for everybody here, and the resolver says NXDOMAIN for the site',
    input: page,
    rules: answering('nxdomain', site, ...advertisers.slice(0, 1)),
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', step: 'resolve' },
  },
]
