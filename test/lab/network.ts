// Namespaces, cables, addresses and routes of the lab. Runs inside the sandbox, as its root.

import { execFileSync } from 'node:child_process'
import { addressOf, type Isp, isps, outside, publicResolvers, sites } from './topology.ts'

/** The namespaces, in the order of a packet's way out. */
export const namespaces = ['dev-o', 'dev-m', 'dev-b', 'isp-o', 'isp-m', 'inet', 'outside'] as const
export type Namespace = (typeof namespaces)[number]

/** Argument list that runs a program in a namespace. `nsenter` and not `ip netns exec`, which copies every mount. */
export function within(namespace: Namespace, argv: readonly string[]): readonly [string, readonly string[]] {
  return ['nsenter', [`--net=/run/netns/${namespace}`, '--', ...argv]]
}

/**
 * Before anything else is done: rules for a country of one's own must not meet somebody's real network.
 *
 * @throws {Error} When this is not the first process of namespaces of its own, or there is any interface but loopback.
 */
export function assertSandbox(): void {
  if (process.pid !== 1) throw new Error('Cannot start the lab: this is not the first process of a sandbox')
  const links = JSON.parse(run('ip', ['-j', 'link'])) as { ifname: string }[]
  const others = links.map((link) => link.ifname).filter((name) => name !== 'lo')
  if (others.length > 0) throw new Error(`Cannot start the lab: there is a way out (${others.join(', ')})`)
}

export function buildNetwork(): void {
  const cables = Object.values(isps).flatMap(({ key }) => [
    // A bridge: everything that hangs on the provider comes in by `cust`.
    `link add cust netns isp-${key} type bridge`,
    `link add eth0 netns dev-${key} type veth peer name to-${key} netns isp-${key}`,
    `link add line-${key} netns dev-b type veth peer name to-b netns isp-${key}`,
    `link add wan netns isp-${key} type veth peer name from-${key} netns inet`,
  ])
  batch(null, [
    ...namespaces.map((each) => `netns add ${each}`),
    ...cables,
    'link add wan netns outside type veth peer name from-out netns inet',
  ])
  for (const isp of Object.values(isps)) {
    batch(`dev-${isp.key}`, [
      `addr add ${isp.device}/24 dev eth0`,
      'link set eth0 up',
      `route add default via ${isp.router}`,
    ])
    batch(`isp-${isp.key}`, [
      `link set to-${isp.key} master cust up`,
      'link set to-b master cust up',
      `addr add ${isp.router}/24 dev cust`,
      `addr add ${isp.wan}/30 dev wan`,
      `addr add ${isp.resolver}/32 dev lo`,
      'link set cust up',
      'link set wan up',
      `route add default via ${isp.upstream}`,
    ])
  }
  batch('dev-b', [...Object.values(isps).flatMap(linesOfBoth), `route add default via ${isps.o.router}`])
  batch('outside', [
    `addr add ${outside.address}/30 dev wan`,
    'link set wan up',
    `route add default via ${outside.upstream}`,
  ])
  // The last one has no default route: what no site has, nobody has.
  batch('inet', [
    ...Object.values(sites).map(({ address }) => `addr add ${address}/32 dev lo`),
    ...publicResolvers.map((address) => `addr add ${address}/32 dev lo`),
    `addr add ${outside.upstream}/30 dev from-out`,
    'link set from-out up',
    ...Object.values(isps).flatMap(linesOfUpstream),
  ])
  for (const namespace of namespaces) settle(namespace)
  for (const isp of Object.values(isps)) latencyAndNat(isp)
  const silent = addressOf('silent.example')
  inNamespace(
    'inet',
    ['nft', '-f', '-'],
    `table ip site {
  chain in { type filter hook input priority 0; ip daddr ${silent} drop; }
}
`,
  )
}

/** What is sent from the address on a line leaves by that line, and each provider's resolver is asked over its own. */
function linesOfBoth({ key, second, router, resolver }: Isp, index: number): string[] {
  const table = 100 + index
  return [
    `addr add ${second}/24 dev line-${key}`,
    `link set line-${key} up`,
    `route add ${resolver} via ${router}`,
    `route add default via ${router} table ${table}`,
    `rule add from ${second} lookup ${table}`,
  ]
}

function linesOfUpstream({ key, upstream, wan, device, nat }: Isp): string[] {
  const lines = [`addr add ${upstream}/30 dev from-${key}`, `link set from-${key} up`]
  const network = device.replace(/\d+$/, '0/24')
  return nat ? lines : [...lines, `route add ${network} via ${wan}`]
}

/** A router, without IPv6, and without the limit on ICMP errors that would turn refusals into silence. */
function settle(namespace: Namespace): void {
  batch(namespace, ['link set lo up'])
  const settings = {
    'ipv4/ip_forward': 1,
    'ipv4/icmp_ratelimit': 0,
    'ipv4/conf/all/rp_filter': 0,
    'ipv6/conf/all/disable_ipv6': 1,
  }
  const script = Object.entries(settings).map(([name, value]) => `echo ${value} > /proc/sys/net/${name}`)
  inNamespace(namespace, ['sh', '-c', script.join('\n')])
}

/** Before any routing decision, so that what the router itself answers is late as well. */
function latencyAndNat({ key, nat }: Isp): void {
  const queue = ['cust', 'wan'].map(
    (side) => `-A PREROUTING -i ${side} -j NFQUEUE --queue-num 1 --queue-bypass`,
  )
  const masquerade = nat ? ['*nat', '-A POSTROUTING -o wan -j MASQUERADE', 'COMMIT'] : []
  const file = ['*mangle', ...queue, 'COMMIT', ...masquerade, '']
  inNamespace(`isp-${key}`, ['iptables-restore'], file.join('\n'))
}

export function inNamespace(namespace: Namespace, argv: readonly string[], input = ''): string {
  const [file, args] = within(namespace, argv)
  return run(file, args, input)
}

function batch(namespace: string | null, lines: readonly string[]): void {
  run('ip', [...(namespace === null ? [] : ['-n', namespace]), '-batch', '-'], `${lines.join('\n')}\n`)
}

function run(file: string, args: readonly string[], input = ''): string {
  return execFileSync(file, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
}
