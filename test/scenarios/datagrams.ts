// QUIC and STUN: servers over UDP, and networks that drop it. From one place a blocked port and a server that is gone
// look the same, so what is blocked is seen, and not accused.

import type { Rule } from '../lab/policy.ts'
import { stunPort } from '../lab/topology.ts'
import { entry, onOneAndBoth, type Scenario, site } from './scenario.ts'

const quic = entry('quicping', site)
const stun = entry('stunreachability', `stun://stun.example:${stunPort}`)
const blocked = (
  what: Pick<Scenario, 'input' | 'list'>,
  name: string,
  port: number,
  action: (Rule & { kind: 'port' })['action'],
  how: string,
): Scenario => ({
  ...what,
  name: `${name}: ${action}`,
  rules: [{ kind: 'port', transport: 'udp', port, action }],
  expect: { verdict: 'undetermined', rule: 'no_outside_view', step: 'connect', how },
})

export const datagramScenarios: readonly Scenario[] = [
  blocked(quic, 'QUIC', 443, 'drop', 'generic_timeout_error'),
  blocked(quic, 'QUIC', 443, 'port_unreachable', 'connection_refused'),
  blocked(stun, 'STUN', stunPort, 'drop', 'generic_timeout_error'),
  blocked(stun, 'STUN', stunPort, 'port_unreachable', 'connection_refused'),
].flatMap(onOneAndBoth)

export const datagramsUnblocked: readonly Scenario[] = [
  { ...quic, name: 'QUIC', rules: [], expect: { verdict: 'ok', rule: 'version_negotiation' } },
  { ...stun, name: 'STUN', rules: [], expect: { verdict: 'ok', rule: 'address_mapped' } },
  {
    ...quic,
    name: 'QUIC while the link is dead',
    rules: [{ kind: 'blackout' }],
    expect: { verdict: 'link_down' },
  },
]
