// Interference with connections and handshakes.

import type { AddressAction, Box, Rule } from '../lab/policy.ts'
import { everyWay, lasting, page, type Scenario, site } from './scenario.ts'

/** Silence and refusal are made by dead hosts too: only what lasts, and is fine outside, is an anomaly. */
const onAddress = (action: AddressAction, failure: string): Scenario => ({
  name: `the address: ${action}`,
  input: page,
  rules: [{ kind: 'address', site, action }],
  repeatAfterSeconds: lasting,
  expect: {
    verdict: 'anomaly',
    rule: 'connect_fails_only_here',
    step: 'connect',
    failures: { resolve: null, connect: failure },
  },
})

const onName = (
  action: (Rule & { kind: 'server_name' })['action'],
  rule: string,
  failure: string,
): Scenario => ({
  name: `the server name: ${action}`,
  input: page,
  rules: [{ kind: 'server_name', name: site, action }],
  expect: {
    verdict: 'anomaly',
    rule,
    step: 'tls_handshake',
    failures: { resolve: null, connect: null, tls_handshake: failure },
  },
})

const inTheMiddle = (name: string, box: Box, failure: string, more: Partial<Scenario> = {}): Scenario => ({
  name,
  input: page,
  rules: [{ kind: 'box', site, box }],
  ...more,
  expect: {
    verdict: 'anomaly',
    rule: 'tls_handshake_interfered',
    step: 'tls_handshake',
    failures: { resolve: null, connect: null, tls_handshake: failure },
    ...more.expect,
  },
})

const mechanisms: readonly Scenario[] = [
  onAddress('drop', 'generic_timeout_error'),
  onAddress('host_unreachable', 'host_unreachable'),
  onAddress('net_unreachable', 'network_unreachable'),
  onAddress('admin_prohibited', 'host_unreachable'),
  onAddress('port_unreachable', 'connection_refused'),
  onAddress('reset', 'connection_refused'),
  {
    name: 'the address: drop, for a moment only as far as the probe knows',
    input: page,
    rules: [{ kind: 'address', site, action: 'drop' }],
    expect: { verdict: 'undetermined', rule: 'failed_once', step: 'connect' },
  },
  onName('reset', 'server_name_interfered', 'connection_reset'),
  onName('forged_reset', 'server_name_interfered', 'connection_reset'),
  {
    ...onName('reset', 'server_name_interfered', 'connection_reset'),
    name: 'the server name: reset, while two controls of four are dead',
    rules: [
      { kind: 'server_name', name: site, action: 'reset' },
      { kind: 'address', site: 'control-1.example', action: 'drop' },
      { kind: 'address', site: 'control-2.example', action: 'drop' },
    ],
  },
  onName('drop', 'server_name_interfered', 'generic_timeout_error'),
  onName('blackhole', 'server_name_interfered', 'generic_timeout_error'),
  inTheMiddle('a certificate of an authority nobody trusts', 'wrong_authority', 'ssl_unknown_authority'),
  inTheMiddle('a certificate for another name', 'wrong_name', 'ssl_invalid_hostname'),
  // Whoever is trusted and forgetful, or a front of the site's own: from here they look alike.
  inTheMiddle('an expired certificate where others get a good one', 'expired', 'ssl_invalid_certificate', {
    expect: { verdict: 'undetermined', rule: 'certificate_date' },
  }),
  inTheMiddle(
    'an expired certificate of an authority nobody trusts',
    'expired_wrong_authority',
    'ssl_invalid_certificate',
  ),
  inTheMiddle('plain HTTP in answer to a ClientHello', 'plain_http', 'ssl_not_tls'),
  inTheMiddle('a TLS alert in answer to a ClientHello', 'alert', 'ssl_failed_handshake', {
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', rule: 'tls_handshake_fails_only_here' },
  }),
  // Whatever the name: within a second a host that restarts does so as well.
  inTheMiddle('a close in answer to a ClientHello', 'close', 'eof_error', { repeatAfterSeconds: lasting }),
]

export const connectionScenarios: readonly Scenario[] = mechanisms.flatMap(everyWay)
