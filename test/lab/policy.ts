// What a censor does, as data, and compiled for the kernel: one nft file and one iptables-restore file (nft cannot
// look for a string in a packet), each of which the kernel takes as one transaction, so that no packet meets half a
// policy. The latter is loaded for IPv4 and for IPv6. Answers of the provider's resolver and forged packets are the business of its boxes. Pure.

import { addressesOf, addressOf, type Isp, sites } from './topology.ts'

/** What the provider's resolver, or a forger on the path, says to a question. */
export type DnsAnswer =
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  | 'empty'
  | 'silence'
  /** The truth, so late that whoever forges an answer is first, however busy the machine. */
  | 'late'
  | { readonly address: string }

/** What stands in for the site's server. The names are those of the ports in `boxPorts`. */
export type Box = keyof typeof boxPorts

/** Sites are given by name; their addresses are looked up in the topology. */
export type Rule =
  /** The provider's resolver lies about a name; without a name, about every name. */
  | { readonly kind: 'resolver'; readonly name?: string; readonly answer: DnsAnswer }
  /** Questions to any other resolver are answered by the provider's. */
  | { readonly kind: 'resolver_hijack' }
  /** Somebody beside the path answers questions for a name before the true answer comes. */
  | { readonly kind: 'dns_injection'; readonly name: string; readonly address: string }
  /** Without a family, both of the site's addresses. */
  | {
      readonly kind: 'address'
      readonly site: string
      readonly action: AddressAction
      readonly family?: Family
    }
  /** Whatever goes to one port, wherever it is. */
  | {
      readonly kind: 'port'
      readonly transport: 'tcp' | 'udp'
      readonly port: number
      readonly action: 'drop' | 'reset' | 'port_unreachable'
    }
  /** All of IPv6. */
  | { readonly kind: 'ipv6'; readonly action: AddressAction }
  | { readonly kind: 'server_name'; readonly name: string; readonly action: NameAction }
  /**
   * A handshake with the name is reset, and for a minute from then on nothing passes between that device and that address, whatever
   * the name: residual blocking.
   */
  | { readonly kind: 'residual'; readonly name: string }
  | { readonly kind: 'host_header'; readonly name: string; readonly action: NameAction }
  /** Connections to one port of a site end at a box of the provider's. */
  | { readonly kind: 'box'; readonly site: string; readonly box: Box }
  /** Every page is the login page, and nothing else passes. */
  | { readonly kind: 'captive_portal' }
  /** Every page says that the bundle is used up, and everything else is reset. */
  | { readonly kind: 'bundle_exhausted' }
  /** What comes from a site's addresses, or over connections in which its name was sent. One speed a policy. */
  | {
      readonly kind: 'throttle'
      readonly by: 'address' | 'server_name'
      readonly site: string
      readonly kbit: number
    }
  /** Everything comes so much later, each way. */
  | { readonly kind: 'delay'; readonly oneWayMs: number }
  /** The line itself, each way. */
  | { readonly kind: 'line_rate'; readonly kbit: number }
  /** Of the packets each way, at random. */
  | { readonly kind: 'loss'; readonly percent: number }
  /** Larger packets are lost both ways, and nobody says so. */
  | { readonly kind: 'largest_packet'; readonly bytes: number }
  /** Nothing comes through, the provider's resolver included; with `from`, from a packet of a certain kind on. */
  | { readonly kind: 'blackout'; readonly from?: { readonly site: string; readonly packet: LastPacket } }

export type Family = 'ipv4' | 'ipv6'

/** The last one that passes: the first SYN to the site, its first ClientHello or request, the first piece of its page. */
export type LastPacket = 'syn' | 'request' | 'page'

export type AddressAction =
  | 'drop'
  | 'host_unreachable'
  | 'net_unreachable'
  | 'admin_prohibited'
  | 'port_unreachable'
  /** A reset in answer to the SYN. */
  | 'reset'

/**
 * - `reset`: the packet with the name is answered with a reset, and goes no further.
 * - `drop`: it goes no further.
 * - `blackhole`: the whole flow from that packet on, both ways.
 * - `forged_reset`: somebody beside the path sends resets to both ends; the packet goes on.
 */
export type NameAction = 'reset' | 'drop' | 'blackhole' | 'forged_reset'

export interface Policy {
  readonly isp: Isp['key']
  readonly rules: readonly Rule[]
}

/** Ports of the boxes in the provider's namespace. */
export const boxPorts = {
  block_page: 8080,
  portal: 8081,
  bundle: 8082,
  polite_block_page: 8083,
  redirect_to_notice: 8084,
  redirect_home: 8085,
  wrong_authority: 8441,
  expired: 8442,
  wrong_name: 8443,
  expired_wrong_authority: 8444,
  plain_http: 8445,
  alert: 8446,
  close: 8447,
} as const

/** Those that stand in for port 80; the others do for 443. */
const clearTextBoxes: ReadonlySet<Box> = new Set([
  'block_page',
  'polite_block_page',
  'redirect_to_notice',
  'redirect_home',
])

export interface CompiledPolicy {
  /** For `nft -f`. */
  readonly nft: string
  /** For `iptables-restore` and `ip6tables-restore`. */
  readonly iptables: string
  /** Kbit per second of what is marked as slow; null when nothing is. */
  readonly slowKbit: number | null
  /** For the provider's resolver; the key `*` stands for every name. */
  readonly answers: Readonly<Record<string, DnsAnswer>>
  /** What each inject.py is told. */
  readonly injections: readonly (readonly string[])[]
}

const rejections: Readonly<Record<AddressAction, string>> = {
  drop: 'drop',
  host_unreachable: 'reject with icmpx type host-unreachable',
  net_unreachable: 'reject with icmpx type no-route',
  admin_prohibited: 'reject with icmpx type admin-prohibited',
  port_unreachable: 'reject with icmpx type port-unreachable',
  reset: 'meta l4proto tcp reject with tcp reset',
}

/** Marks of flows: to be blackholed, and to be slowed down. */
const condemned = '0x9'
const slowed = '0x7'
const triggering = '0x5'
/** The slow class of network.ts. */
const slowly = 'meta priority set 1:20'

/** A packet without a payload has 80 bytes at most, a full one more than 1,000. */
const lastPackets: Readonly<Record<LastPacket, string>> = {
  syn: '',
  request: ' meta length > 100',
  page: ' meta length > 1000',
}
/** Pairs of addresses that a box has set apart, behind iptables, which finds the name. */
const residualSets = [
  ['ip', 'residual', 'ipv4_addr'],
  ['ip6', 'residual6', 'ipv6_addr'],
] as const
const bothEndsDead = 'add @dead { iifname } add @dead { oifname }'

export function compile({ rules }: Policy, isp: Isp): CompiledPolicy {
  const prerouting: string[] = []
  const redirect: string[] = []
  const forward: string[] = []
  const behind: string[] = []
  const leaving: string[] = []
  const strings: string[] = []
  const answers: Record<string, DnsAnswer> = {}
  const injections: string[][] = []
  const speeds: number[] = []
  for (const rule of rules) {
    switch (rule.kind) {
      case 'resolver': {
        const { answer } = rule
        answers[rule.name ?? '*'] =
          typeof answer === 'string' ? answer : { address: addressOf(answer.address) }
        break
      }
      case 'resolver_hijack':
        redirect.push(`iifname "cust" ip daddr != ${isp.resolver} udp dport 53 dnat ip to ${isp.resolver}`)
        break
      case 'dns_injection':
        injections.push(['dns', rule.name, addressOf(rule.address)])
        answers[rule.name] ??= 'late'
        break
      case 'address':
        forward.push(
          ...matchAddress('daddr', rule.site, rule.family).map((to) => `${to} ${rejections[rule.action]}`),
        )
        break
      case 'port':
        forward.push(`${rule.transport} dport ${rule.port} ${rejections[rule.action]}`)
        break
      case 'ipv6':
        forward.push(`meta nfproto ipv6 ${rejections[rule.action]}`)
        break
      case 'server_name':
        if (rule.action === 'forged_reset') {
          injections.push(['reset', '443', rule.name])
          prerouting.push(...late(rule.name))
        } else strings.push(...matching(443, `--string ${rule.name}`, rule.action))
        break
      case 'residual':
        strings.push(`${carrying(443, `--string ${rule.name}`)} -j CONNMARK --set-mark ${triggering}`)
        for (const [protocol, set] of residualSets) {
          forward.push(
            `${protocol} saddr . ${protocol} daddr @${set} drop`,
            `${protocol} daddr . ${protocol} saddr @${set} drop`,
          )
          behind.push(`ct mark ${triggering} add @${set} { ${protocol} saddr . ${protocol} daddr }`)
        }
        behind.push(`ct mark ${triggering} meta l4proto tcp reject with tcp reset`)
        break
      case 'host_header':
        if (rule.action === 'forged_reset') {
          injections.push(['reset', '80', `Host: ${rule.name}`])
          prerouting.push(...late(rule.name))
        } else strings.push(...matching(80, `--icase --string "Host: ${rule.name}"`, rule.action))
        break
      case 'box': {
        const port = clearTextBoxes.has(rule.box) ? 80 : 443
        redirect.push(
          ...matchAddress('daddr', rule.site).map(
            (to) => `${to} tcp dport ${port} redirect to :${boxPorts[rule.box]}`,
          ),
        )
        break
      }
      case 'captive_portal':
      case 'bundle_exhausted': {
        const port = rule.kind === 'captive_portal' ? boxPorts.portal : boxPorts.bundle
        redirect.push(`iifname "cust" tcp dport 80 redirect to :${port}`)
        forward.push('iifname "cust" meta l4proto tcp reject with tcp reset', 'iifname "cust" drop')
        break
      }
      case 'throttle':
        speeds.push(rule.kbit)
        if (rule.by === 'address')
          forward.push(...matchAddress('saddr', rule.site).map((from) => `${from} ${slowly}`))
        else {
          strings.push(`${carrying(443, `--string ${rule.site}`)} -j CONNMARK --set-mark ${slowed}`)
          forward.push(`oifname "cust" ct mark ${slowed} ${slowly}`)
        }
        break
      case 'delay':
        prerouting.push(`meta l4proto != ipv6-icmp ${later(rule.oneWayMs)}`)
        break
      case 'line_rate':
        speeds.push(rule.kbit)
        leaving.push(`oifname { "cust", "wan" } ${slowly}`)
        break
      case 'loss':
        // Neighbours that do not find each other are another trouble.
        prerouting.push(
          `meta l4proto != ipv6-icmp numgen random mod 1000 < ${Math.round(rule.percent * 10)} drop`,
        )
        break
      case 'largest_packet':
        forward.push(`meta length > ${rule.bytes} drop`)
        break
      case 'blackout':
        if (rule.from === undefined) prerouting.push('iifname "cust" drop', 'iifname "wan" drop')
        else {
          const { site, packet } = rule.from
          const end = matchAddress(packet === 'page' ? 'saddr' : 'daddr', site)
          forward.push(...end.map((each) => `${each}${lastPackets[packet]} ${bothEndsDead}`))
          prerouting.push('iifname @dead drop')
        }
        break
      default:
        rule satisfies never
    }
  }
  return {
    nft: nftFile({ first: prerouting, elsewhere: redirect, passing: forward, behind, leaving }),
    iptables: iptablesFile(strings),
    slowKbit: speeds.length === 0 ? null : Math.min(...speeds),
    answers,
    injections,
  }
}

/** Of a site by name, or of the one place that an address names. */
function matchAddress(field: 'saddr' | 'daddr', name: string, family?: Family): string[] {
  const site = sites[name]
  const all = site === undefined ? [addressOf(name)] : addressesOf(site)
  return all
    .map((address) => [address.includes(':') ? 'ip6' : 'ip', address] as const)
    .filter(([word]) => family === undefined || (word === 'ip6') === (family === 'ipv6'))
    .map(([word, address]) => `${word} ${field} ${address}`)
}

/** For delay.py, which reads the upper half of a mark as milliseconds. */
const later = (ms: number) => `meta mark set 0x${(ms * 0x1_00_00).toString(16)}`

/** Holds back what a site sends: whoever forges in its name is first, however busy the machine. */
function late(site: string): string[] {
  return matchAddress('saddr', site).map((from) => `${from} ${later(300)}`)
}

function carrying(port: number, match: string): string {
  return `-A FORWARD -p tcp --dport ${port} -m string --algo bm ${match}`
}

function matching(port: number, match: string, action: Exclude<NameAction, 'forged_reset'>): string[] {
  const found = carrying(port, match)
  if (action === 'reset') return [`${found} -j REJECT --reject-with tcp-reset`]
  if (action === 'drop') return [`${found} -j DROP`]
  return [
    `${found} -j CONNMARK --set-mark ${condemned}`,
    `-A FORWARD -m connmark --mark ${condemned} -j DROP`,
  ]
}

/** Declared, deleted and made anew: the way to replace a table in one transaction whether or not it was there. */
function nftFile({
  first,
  elsewhere,
  passing,
  behind,
  leaving,
}: Readonly<Record<'first' | 'elsewhere' | 'passing' | 'behind' | 'leaving', readonly string[]>>): string {
  return `table inet censor
delete table inet censor
table inet censor {
  set dead { type ifname; flags dynamic; size 8; }
${residualSets.map(([, set, type]) => `  set ${set} { type ${type} . ${type}; flags dynamic,timeout; timeout 60s; size 64; }\n`).join('')}  chain first { type filter hook prerouting priority -400;
${indented(first)}  }
  chain elsewhere { type nat hook prerouting priority -100;
${indented(elsewhere)}  }
  chain passing { type filter hook forward priority -10;
${indented(passing)}  }
  chain behind { type filter hook forward priority 10;
${indented(behind)}  }
  chain leaving { type filter hook postrouting priority -10;
${indented(leaving)}  }
}
`
}

function iptablesFile(strings: readonly string[]): string {
  const lines = ['*filter', ':INPUT ACCEPT', ':FORWARD ACCEPT', ':OUTPUT ACCEPT', ...strings, 'COMMIT']
  return `${lines.join('\n')}\n`
}

const indented = (lines: readonly string[]) => lines.map((line) => `    ${line}\n`).join('')
