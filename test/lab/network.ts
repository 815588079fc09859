// Namespaces, cables, addresses and routes of the lab. Runs inside the sandbox, as its root.

import { execFileSync } from 'node:child_process'
import { setTimeout as after } from 'node:timers/promises'
import {
  abroad,
  addressesOf,
  type Isp,
  isps,
  outside,
  publicResolvers,
  type Site,
  sites,
  translated,
} from './topology.ts'

/**
 * The namespaces, in the order of a packet's way out. The device `dev-b` hangs on both lines, `dev-6` on that of `isp-m` without
 * IPv4, and `nat64` is the translator for it.
 */
export const namespaces = [
  ...(['dev-o', 'dev-m', 'dev-b', 'dev-6'] as const),
  ...(['isp-o', 'isp-m', 'nat64', 'inet', 'outside', 'abroad'] as const),
] as const
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

/** @returns When IPv6 hears, which it does not before every cable has reported that its other end is there. */
export async function buildNetwork(): Promise<void> {
  batch(null, [
    ...namespaces.map((each) => `netns add ${each}`),
    ...Object.values(isps).flatMap(({ key }) => [
      `link add eth0 netns dev-${key} type veth peer name line netns isp-${key}`,
      `link add eth-${key} netns dev-b type veth peer name line-b netns isp-${key}`,
      `link add wan netns isp-${key} type veth peer name from-${key} netns inet`,
    ]),
    'link add wan netns outside type veth peer name from-out netns inet',
    'link add wan netns abroad type veth peer name from-abr netns inet',
    'link add eth0 netns dev-6 type veth peer name line-6 netns isp-m',
    'link add eth0 netns nat64 type veth peer name nat64 netns isp-m',
  ])
  for (const namespace of namespaces) settle(namespace)
  for (const isp of Object.values(isps)) {
    batch(`dev-${isp.key}`, device(isp))
    batch(`isp-${isp.key}`, router(isp))
    latencyAndNat(isp)
    slowLane(isp)
  }
  batch('dev-b', Object.values(isps).flatMap(lineOfTwo))
  batch('dev-b', [`route add default via ${isps.o.router}`])
  batch('outside', [
    `addr add ${outside.address}/30 dev wan`,
    `addr add ${outside.ipv6.address}/64 dev wan nodad`,
    'link set wan up',
    `route add default via ${outside.upstream}`,
    `route add ::/0 via ${outside.ipv6.upstream}`,
  ])
  batch('abroad', [
    `addr add ${abroad.address}/30 dev wan`,
    'link set wan up',
    `route add default via ${abroad.upstream}`,
  ])
  // The last one has no default route: what no site has, nobody has.
  batch('inet', [
    // Of two names at one address the second is no address more.
    ...[...new Set(Object.values(sites).flatMap(addressesOf))].map(addressOfInternet),
    ...publicResolvers.map(addressOfInternet),
    `addr add ${outside.upstream}/30 dev from-out`,
    `addr add ${outside.ipv6.upstream}/64 dev from-out nodad`,
    'link set from-out up',
    `addr add ${abroad.upstream}/30 dev from-abr`,
    'link set from-abr up',
    ...Object.values(isps).flatMap(linesOfUpstream),
  ])
  swallow(Object.values(sites).filter(({ kind }) => kind === 'silent'))
  censorAbroad()
  translator()
  await carrier()
}

function device({ device, router, ipv6 }: Isp): string[] {
  return [
    `addr add ${device}/24 dev eth0`,
    ...(ipv6 === null ? [] : [`addr add ${ipv6.device}/64 dev eth0 nodad`]),
    'link set eth0 up',
    `route add default via ${router}`,
    ...(ipv6 === null ? [] : [`route add ::/0 via ${ipv6.router}`]),
  ]
}

/** Both customers' cables end in one bridge, so that a rule need not know whose packet it meets. */
function router({ router, wan, resolver, upstream, ipv6 }: Isp): string[] {
  const more =
    ipv6 === null
      ? []
      : [`addr add ${ipv6.router}/64 dev cust nodad`, `addr add ${ipv6.wan}/64 dev wan nodad`]
  return [
    'link add cust type bridge',
    ...['line', 'line-b'].flatMap((line) => [`link set ${line} master cust`, `link set ${line} up`]),
    `addr add ${router}/24 dev cust`,
    `addr add ${wan}/30 dev wan`,
    `addr add ${resolver}/32 dev lo`,
    ...more,
    'link set cust up',
    'link set wan up',
    `route add default via ${upstream}`,
    ...(ipv6 === null ? [] : [`route add ::/0 via ${ipv6.upstream}`]),
  ]
}

/** Of the device on both lines: what has the address of a line leaves by it, and so do questions to its resolver. */
function lineOfTwo({ key, second, router, resolver }: Isp): string[] {
  const table = 100 + Object.keys(isps).indexOf(key)
  return [
    `addr add ${second}/24 dev eth-${key}`,
    `link set eth-${key} up`,
    `route add default via ${router} table ${table}`,
    `rule add from ${second} lookup ${table}`,
    `route add ${resolver} via ${router}`,
  ]
}

function addressOfInternet(address: string): string {
  return address.includes(':') ? `addr add ${address}/128 dev lo nodad` : `addr add ${address}/32 dev lo`
}

function linesOfUpstream({ key, upstream, wan, device, nat, ipv6 }: Isp): string[] {
  const network = (address: string, end: string) => address.replace(/[^.:]+$/, end)
  return [
    `addr add ${upstream}/30 dev from-${key}`,
    `link set from-${key} up`,
    ...(nat ? [] : [`route add ${network(device, '0/24')} via ${wan}`]),
    ...(ipv6 === null
      ? []
      : [
          `addr add ${ipv6.upstream}/64 dev from-${key} nodad`,
          `route add ${network(ipv6.device, '/64')} via ${ipv6.wan}`,
        ]),
  ]
}

/** The device without IPv4, and what translates for it. Beside the router, so that what it sends meets the router's rules as well. */
function translator(): void {
  const { device, resolver, prefix, pool, poolUpstream, ipv6 } = translated
  const { router } = isps.m.ipv6 ?? ipv6Missing()
  batch('dev-6', [`addr add ${device}/64 dev eth0 nodad`, 'link set eth0 up', `route add ::/0 via ${router}`])
  batch('isp-m', [
    'link set line-6 master cust',
    'link set line-6 up',
    `addr add ${resolver}/128 dev lo nodad`,
    `addr add ${poolUpstream}/30 dev nat64`,
    `addr add ${ipv6.upstream}/64 dev nat64 nodad`,
    // What is translated packet by packet must not come as one of many.
    'link set nat64 gso_max_segs 1',
    'link set nat64 up',
    `route add ${prefix}/96 via ${ipv6.translator}`,
  ])
  batch('nat64', [
    `addr add ${pool}/30 dev eth0`,
    `addr add ${ipv6.translator}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${poolUpstream}`,
    `route add ::/0 via ${ipv6.upstream}`,
  ])
  batch('inet', [`route add ${pool}/32 via ${isps.m.wan}`])
  // The program sees packets before this; the kernel has nothing to say to them.
  const deaf = `table inet deaf {
  chain in { type filter hook input priority 0; meta l4proto { tcp, udp, icmp } drop; }
  chain passing { type filter hook forward priority 0; drop; }
}
`
  inNamespace('nat64', ['nft', '-f', '-'], deaf)
}

function ipv6Missing(): never {
  throw new Error('Cannot start the lab: the device without IPv4 is on a line without IPv6')
}

/** A censor in the other country. */
function censorAbroad(): void {
  const site = sites[abroad.blocked]
  const rules = (site === undefined ? [] : addressesOf(site))
    .filter((address) => !address.includes(':'))
    .map((address) => `ip daddr ${address} drop;`)
  const censor = `table ip censor {
  chain out { type filter hook output priority 0; ${rules.join(' ')} }
}
`
  inNamespace('abroad', ['nft', '-f', '-'], censor)
}

function swallow(silent: readonly Site[]): void {
  const rules = silent
    .flatMap(addressesOf)
    .map((address) => `${address.includes(':') ? 'ip6' : 'ip'} daddr ${address} drop;`)
  inNamespace(
    'inet',
    ['nft', '-f', '-'],
    `table inet site {
  chain in { type filter hook input priority 0; ${rules.join(' ')} }
}
`,
  )
}

/** A router, without the limits on ICMP errors that would turn refusals into silence. */
function settle(namespace: Namespace): void {
  batch(namespace, ['link set lo up'])
  const always: readonly Namespace[] = ['inet', 'outside', 'dev-6', 'nat64']
  const hasIpv6 = always.includes(namespace) || ispOf(namespace)?.ipv6
  const settings = {
    'ipv4/ip_forward': 1,
    'ipv4/icmp_ratelimit': 0,
    'ipv4/conf/all/rp_filter': 0,
    'ipv6/conf/all/disable_ipv6': hasIpv6 ? 0 : 1,
    'ipv6/conf/default/disable_ipv6': hasIpv6 ? 0 : 1,
    'ipv6/conf/all/accept_dad': 0,
    'ipv6/conf/default/accept_dad': 0,
    'ipv6/conf/all/forwarding': 1,
    'ipv6/icmp/ratelimit': 0,
  }
  const script = Object.entries(settings).map(([name, value]) => `echo ${value} > /proc/sys/net/${name}`)
  const each = 'for each in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $each; done'
  inNamespace(namespace, ['sh', '-c', [...script, each].join('\n')])
}

/** Of a namespace that is a provider's alone. */
function ispOf(namespace: Namespace): Isp | undefined {
  return Object.values(isps).find(({ key }) => namespace === `dev-${key}` || namespace === `isp-${key}`)
}

/** Before any routing decision, so that what the router itself answers is late as well. */
function latencyAndNat({ key, nat }: Isp): void {
  const queue = sides.map((side) => `-A PREROUTING -i ${side} -j NFQUEUE --queue-num 1 --queue-bypass`)
  const masquerade = nat ? ['*nat', '-A POSTROUTING -o wan -j MASQUERADE', 'COMMIT'] : []
  const late = ['*mangle', ...queue, 'COMMIT']
  inNamespace(`isp-${key}`, ['iptables-restore'], [...late, ...masquerade, ''].join('\n'))
  inNamespace(`isp-${key}`, ['ip6tables-restore'], [...late, ''].join('\n'))
}

/** Two classes each way: one without a limit, and one for what a policy wants slow. Kbit per second. */
function slowLane({ key }: Isp): void {
  for (const side of sides) {
    const qdisc = `tc qdisc add dev ${side} root handle 1: htb default 10`
    const fast = `tc class add dev ${side} parent 1: classid 1:10 htb rate 10gbit quantum 60000`
    for (const each of [qdisc, fast]) inNamespace(`isp-${key}`, each.split(' '))
  }
  limitSlowLane(key, 1_000_000)
}

/** Of a provider's router: towards the customers, and out. */
const sides = ['cust', 'wan'] as const

/** A new class each time, so that nobody waits behind what was queued before. */
export function limitSlowLane(isp: Isp['key'], kbit: number): void {
  const script = sides.flatMap((side) => {
    const slow = `dev ${side} parent 1: classid 1:20`
    return [`tc class del ${slow} 2>/dev/null`, `tc class add ${slow} htb rate ${kbit}kbit quantum 1514`]
  })
  inNamespace(`isp-${isp}`, ['sh', '-c', script.join('; ')])
}

/** Milliseconds between two looks, and how many of them: ten times what it takes. */
const look = { everyMs: 100, times: 100 }

/** The kernel tells nobody inside that a cable has its carrier, so this looks again and again. */
async function carrier(): Promise<void> {
  for (let times = 0; times < look.times; times++) {
    if (namespaces.every((each) => !/ state DOWN /.test(run('ip', ['-n', each, '-o', 'link'])))) return
    await after(look.everyMs)
  }
  throw new Error('Cannot start the lab: a cable without a carrier')
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
