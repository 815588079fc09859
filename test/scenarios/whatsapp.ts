// A service of three functions, each of which was blocked by itself in Mali on 29 July 2018.

import type { Rule } from '../lab/policy.ts'
import { deadHelperUrl } from '../lab/topology.ts'
import { lasting, onOneAndBoth, type Scenario } from './scenario.ts'

const whatsapp = (name: string, rules: readonly Rule[], expect: Scenario['expect']): Scenario => ({
  name: `whatsapp: ${name}`,
  input: null,
  list: { entries: [{ nettest: 'whatsapp', input: null, category_code: 'COMT' }] },
  rules,
  expect,
})
const fine = { registration: 'ok', endpoints: 'ok', web: 'ok' } as const
const chatHosts = Array.from({ length: 16 }, (_, index) => `e${index + 1}.whatsapp.net`)

const dropped = (hosts: readonly string[]): Rule[] =>
  hosts.map((host) => ({ kind: 'address', site: host, action: 'drop' }))

/** What the groups alone tell. */
const withoutHelper = (scenario: Scenario): Scenario => ({
  ...scenario,
  name: `${scenario.name}, without a helper`,
  list: { ...scenario.list, helpers: [deadHelperUrl] },
})

/** Silence of one function is an anomaly only when it lasts. */
const lastingly = (scenario: Scenario): Scenario => ({ ...scenario, repeatAfterSeconds: lasting })

const mechanisms: readonly Scenario[] = [
  whatsapp('the web client is reset', [{ kind: 'server_name', name: 'web.whatsapp.com', action: 'reset' }], {
    verdict: 'anomaly',
    rule: 'server_name_interfered',
    step: 'tls_handshake',
    parts: { ...fine, web: 'anomaly' },
  }),
  lastingly(
    whatsapp(
      'registration and web are silent, chats go on',
      [
        { kind: 'address', site: 'v.whatsapp.net', action: 'drop' },
        { kind: 'server_name', name: 'web.whatsapp.com', action: 'drop' },
      ],
      { verdict: 'anomaly', parts: { registration: 'anomaly', endpoints: 'ok', web: 'anomaly' } },
    ),
  ),
  ...[withoutHelper, undefined].flatMap((without): Scenario[] => {
    const each = (scenario: Scenario) => lastingly(without === undefined ? scenario : without(scenario))
    const rule = (group: string) =>
      without === undefined ? 'connect_fails_only_here' : `${group}_alone_fails`
    return [
      each(
        whatsapp('registration is silent', [{ kind: 'address', site: 'v.whatsapp.net', action: 'drop' }], {
          verdict: 'anomaly',
          rule: rule('registration'),
          step: 'connect',
          parts: { ...fine, registration: 'anomaly' },
        }),
      ),
      each(
        whatsapp('every chat host is silent', dropped(chatHosts), {
          verdict: 'anomaly',
          rule: rule('endpoints'),
          step: 'connect',
          parts: { ...fine, endpoints: 'anomaly' },
        }),
      ),
    ]
  }),
  lastingly(
    whatsapp('every host is silent', dropped([...chatHosts, 'v.whatsapp.net', 'web.whatsapp.com']), {
      verdict: 'anomaly',
      rule: 'connect_fails_only_here',
      step: 'connect',
      parts: { registration: 'anomaly', endpoints: 'anomaly', web: 'anomaly' },
    }),
  ),
]

export const whatsappScenarios: readonly Scenario[] = mechanisms.flatMap(onOneAndBoth)

export const whatsappUnblocked: readonly Scenario[] = [
  whatsapp('nothing is wrong', [], { verdict: 'ok', parts: fine }),
  // Its hosts are gone for everybody, while another part of the service answers.
  {
    name: 'a service of which one part is gone for everybody',
    input: null,
    list: {
      entries: [{ nettest: 'service_reachability', input: 'app', category_code: 'COMT' }],
      services: [
        {
          name: 'app',
          groups: [
            {
              name: 'web',
              needs: 'any',
              endpoints: [{ kind: 'url', url: 'https://news.example/', method: 'HEAD' }],
            },
            {
              name: 'chat',
              needs: 'any',
              endpoints: [{ kind: 'tcp', host: 'silent.example', ports: [443] }],
            },
          ],
        },
      ],
    },
    rules: [],
    repeatAfterSeconds: lasting,
    expect: {
      verdict: 'undetermined',
      rule: 'fails_outside_too',
      parts: { web: 'ok', chat: 'undetermined' },
    },
  },
  // Chats go over the other port.
  lastingly(
    whatsapp('port 5222 is dropped', [{ kind: 'port', transport: 'tcp', port: 5222, action: 'drop' }], {
      verdict: 'ok',
      parts: { ...fine, 'endpoints:5222': 'anomaly' },
    }),
  ),
  whatsapp('the link is dead', [{ kind: 'blackout' }], { verdict: 'link_down' }),
  whatsapp('20 % of packets are lost each way', [{ kind: 'loss', percent: 20 }], {
    verdict: ['ok', 'undetermined', 'link_down'],
  }),
]
