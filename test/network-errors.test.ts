// What routers and kernels answer, on a real network stack: every kind of "unreachable" has its failure, for TCP and
// for DNS over UDP, and none is unknown. Runs in a network namespace without a way out.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('support/unreachable-targets.ts', import.meta.url))
const asRoot = process.getuid?.() === 0

/** One address a row: how the namespace treats it, and what the two operations must call that. */
const rows = [
  ['no route', '22.0.0.1', '', 'network_unreachable', 'network_unreachable'],
  [
    'an unreachable route',
    '21.0.1.1',
    'ip route add unreachable 21.0.1.1',
    'host_unreachable',
    'host_unreachable',
  ],
  [
    'a prohibiting route',
    '21.0.1.2',
    'ip route add prohibit 21.0.1.2',
    'permission_denied',
    'permission_denied',
  ],
  ['a black hole', '21.0.1.3', 'ip route add blackhole 21.0.1.3', 'invalid_argument', 'invalid_argument'],
  ['ICMP net unreachable', '21.0.2.1', 'reject with icmp type net-unreachable', 'network_unreachable', null],
  ['ICMP host unreachable', '21.0.2.2', 'reject with icmp type host-unreachable', 'host_unreachable', null],
  [
    'ICMP admin prohibited',
    '21.0.2.3',
    'reject with icmp type admin-prohibited',
    'host_unreachable',
    'host_unreachable',
  ],
  [
    'ICMP port unreachable',
    '21.0.2.4',
    'reject with icmp type port-unreachable',
    'connection_refused',
    'connection_refused',
  ],
  [
    'ICMP protocol unreachable',
    '21.0.2.5',
    'reject with icmp type prot-unreachable',
    'no_protocol_option',
    'no_protocol_option',
  ],
  ['a reset to the SYN', '21.0.2.6', 'meta l4proto tcp reject with tcp reset', 'connection_refused', null],
  ['silence', '21.0.2.7', 'drop', 'generic_timeout_error', 'generic_timeout_error'],
] as const

function setUp(): string {
  const routes = rows.flatMap(([, , rule]) => (rule.startsWith('ip route') ? [rule] : []))
  const filters = rows.flatMap(([, ip, rule]) =>
    rule === '' || rule.startsWith('ip route') ? [] : [`ip daddr ${ip} ${rule}`],
  )
  const chain = `table ip wall { chain out { type filter hook input priority 0; ${filters.join('; ')}; }; }`
  return [
    'ip link set lo up',
    'sysctl -qw net.ipv4.icmp_ratelimit=0 || true',
    // Everything of 21.0.2/24 is this namespace itself, so that packets pass the filter on their way in.
    'ip addr add 21.0.2.0/24 dev lo',
    ...routes,
    `echo '${chain}' | nft -f -`,
  ].join(' && ')
}

function outcomesInNamespace(): {
  outcomes: Record<string, { tcp: string; udp: string }> | null
  why: string
} {
  const enter = ['--net', ...(asRoot ? [] : ['--user', '--map-root-user'])]
  const addresses = JSON.stringify(rows.map(([, ip]) => ip))
  const run = `${setUp()} && exec "$0" --import tsx "$1" "$2"`
  const options = {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  } as const
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [...enter, 'sh', '-c', run, process.execPath, script, addresses],
    options,
  )
  return status === 0 ? { outcomes: JSON.parse(stdout), why: '' } : { outcomes: null, why: `${stderr}` }
}

const { outcomes, why } = outcomesInNamespace()
if (outcomes === null) {
  console.warn(`The suite of network errors DID NOT RUN: no network namespace with nftables here. ${why}
Install what is missing: apt-get install iproute2 nftables util-linux`)
}

describe.runIf(outcomes !== null)('on a real network stack', () => {
  it.each(rows)('tcpConnect() names %s', (_name, ip, _rule, tcp) => {
    expect(outcomes?.[ip]?.tcp).toBe(tcp)
  })
  it.each(rows.filter((row) => row[4] !== null))('resolveDns() names %s', (_name, ip, _rule, _tcp, udp) => {
    expect(outcomes?.[ip]?.udp).toBe(udp)
  })
})
