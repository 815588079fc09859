// Resolvers behind TLS, and networks that do not want them.

import { dohPath, dotPort } from '../lab/topology.ts'
import { entry, lasting, onOneAndBoth, type Scenario } from './scenario.ts'

const name = 'dns.example'
const options = { domain: 'news.example' }
const overTls = entry('dnscheck', `dot://${name}`, options)
const overHttps = entry('dnscheck', `https://${name}${dohPath}`, options)
const found = { verdict: 'ok', rule: 'answer_over_tls', step: null } as const

/** From one place a port that is blocked and a resolver that is gone look the same. */
const blockedPort = (action: 'drop' | 'reset', how: string): Scenario => ({
  ...overTls,
  name: `DNS over TLS: ${action} of its port`,
  rules: [{ kind: 'port', transport: 'tcp', port: dotPort, action }],
  expect: { verdict: 'undetermined', rule: 'no_outside_view', step: 'connect', how },
})

const mechanisms: readonly Scenario[] = [
  blockedPort('drop', 'generic_timeout_error'),
  blockedPort('reset', 'connection_refused'),
  {
    ...overHttps,
    name: 'DNS over HTTPS: reset of its server name',
    rules: [{ kind: 'server_name', name, action: 'reset' }],
    repeatAfterSeconds: lasting,
    expect: {
      verdict: 'anomaly',
      rule: 'tls_handshake_interfered',
      step: 'tls_handshake',
      how: 'connection_reset',
    },
  },
  {
    ...overHttps,
    name: 'DNS over HTTPS: drop of its server name',
    rules: [{ kind: 'server_name', name, action: 'drop' }],
    expect: {
      verdict: 'undetermined',
      rule: 'no_outside_view',
      step: 'tls_handshake',
      how: 'generic_timeout_error',
    },
  },
  {
    ...overHttps,
    name: 'DNS over HTTPS: a certificate of an authority nobody trusts',
    rules: [{ kind: 'box', site: name, box: 'wrong_authority' }],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', rule: 'tls_handshake_interfered', step: 'tls_handshake' },
  },
]

export const encryptedDnsScenarios: readonly Scenario[] = mechanisms.flatMap(onOneAndBoth)

export const encryptedDnsUnblocked: readonly Scenario[] = [
  { ...overTls, name: 'DNS over TLS', rules: [], expect: found },
  { ...overHttps, name: 'DNS over HTTPS', rules: [], expect: found },
  {
    ...overTls,
    name: 'DNS over TLS while the link is dead',
    rules: [{ kind: 'blackout' }],
    expect: { verdict: 'link_down' },
  },
]
