// What a link's IPv6 does, or does not do. Only one of the lab's providers has it.

import { lasting, page, type Scenario } from './scenario.ts'

const onlyIpv6 = 'https://six.example/'
const onIpv6 = { isp: 'm' } as const

export const ipv6Scenarios: readonly Scenario[] = [
  {
    ...onIpv6,
    name: 'a site that has IPv6 only: drop',
    input: onlyIpv6,
    rules: [{ kind: 'address', site: 'six.example', action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: {
      verdict: 'anomaly',
      rule: 'connect_fails_only_here',
      step: 'connect',
      failures: { resolve: null, connect: 'generic_timeout_error' },
    },
  },
  {
    ...onIpv6,
    name: 'a site that has IPv6 only: its server name is reset',
    input: onlyIpv6,
    rules: [{ kind: 'server_name', name: 'six.example', action: 'forged_reset' }],
    expect: {
      verdict: 'anomaly',
      rule: 'server_name_interfered',
      step: 'tls_handshake',
      failures: { resolve: null, connect: null, tls_handshake: 'connection_reset' },
    },
  },
  {
    ...onIpv6,
    name: 'a site that has IPv6 only: its server name is dropped',
    input: onlyIpv6,
    rules: [{ kind: 'server_name', name: 'six.example', action: 'drop' }],
    expect: { verdict: 'anomaly', rule: 'server_name_interfered', step: 'tls_handshake' },
  },
]

const works = { verdict: 'ok', step: null } as const
const unproven = { verdict: 'undetermined', rule: 'family_unproven', step: 'connect' } as const

export const ipv6Unblocked: readonly Scenario[] = [
  { ...onIpv6, name: 'a site that has IPv6 only', input: onlyIpv6, rules: [], expect: works },
  {
    isp: 'o',
    name: 'a site that has IPv6 only, and a device that has none',
    input: onlyIpv6,
    rules: [],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'undetermined' },
  },
  {
    ...onIpv6,
    name: 'IPv6 is dropped, and the site has both',
    input: page,
    rules: [{ kind: 'ipv6', action: 'drop' }],
    expect: { ...works, rule: 'https_response' },
  },
  ...(['drop', 'admin_prohibited', 'net_unreachable', 'reset'] as const).map(
    (action): Scenario => ({
      ...onIpv6,
      name: `IPv6 leads nowhere (${action}), and the site has nothing else`,
      input: onlyIpv6,
      rules: [{ kind: 'ipv6', action }],
      repeatAfterSeconds: lasting,
      expect: unproven,
    }),
  ),
  // Who reads over the other one reads it, and what that hides is said.
  ...(['ipv4', 'ipv6'] as const).map(
    (family): Scenario => ({
      ...onIpv6,
      name: `one family of a site's two is dropped: ${family}`,
      input: page,
      rules: [{ kind: 'address', site: 'news.example', action: 'drop', family }],
      repeatAfterSeconds: lasting,
      expect: { ...works, parts: { [family]: 'anomaly' } },
    }),
  ),
]
