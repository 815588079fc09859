// A service of three functions, each of which was blocked by itself in Mali on 29 July 2018.

import type { Rule } from '../lab/policy.ts'
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
  lastingly(
    whatsapp('registration is silent', [{ kind: 'address', site: 'v.whatsapp.net', action: 'drop' }], {
      verdict: 'anomaly',
      rule: 'registration_alone_fails',
      step: 'connect',
      parts: { ...fine, registration: 'anomaly' },
    }),
  ),
  lastingly(
    whatsapp(
      'every chat host is silent',
      chatHosts.map((host) => ({ kind: 'address', site: host, action: 'drop' })),
      {
        verdict: 'anomaly',
        rule: 'endpoints_alone_fails',
        step: 'connect',
        parts: { ...fine, endpoints: 'anomaly' },
      },
    ),
  ),
]

export const whatsappScenarios: readonly Scenario[] = mechanisms.flatMap(onOneAndBoth)

export const whatsappUnblocked: readonly Scenario[] = [
  whatsapp('nothing is wrong', [], { verdict: 'ok', parts: fine }),
  whatsapp('the link is dead', [{ kind: 'blackout' }], { verdict: 'link_down' }),
  whatsapp('20 % of packets are lost each way', [{ kind: 'loss', percent: 20 }], {
    verdict: ['ok', 'undetermined', 'link_down'],
  }),
]
