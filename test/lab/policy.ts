// What a censor does, as data, and compiled for the kernel: one nft file and one iptables-restore file (nft cannot
// look for a string in a packet), each of which the kernel takes as one transaction, so that no packet meets half a
// policy. Answers of the provider's resolver and forged packets are the business of its boxes. Pure.

import { addressOf, type Isp } from './topology.ts'

/** What the provider's resolver, or a forger on the path, says to a question. */
export type DnsAnswer =
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  | 'empty'
  | 'silence'
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
  | { readonly kind: 'address'; readonly site: string; readonly action: AddressAction }
  /** `blackhole`: the whole flow from the ClientHello on, both ways. */
  | { readonly kind: 'server_name'; readonly name: string; readonly action: 'reset' | 'drop' | 'blackhole' }
  | { readonly kind: 'host_header'; readonly name: string; readonly action: 'reset' | 'drop' }
  /** Connections to one port of a site end at a box of the provider's. */
  | { readonly kind: 'box'; readonly site: string; readonly box: Box }
  /** Every page is the login page, and nothing else passes. */
  | { readonly kind: 'captive_portal' }
  /** Of the packets each way, at random. */
  | { readonly kind: 'loss'; readonly percent: number }
  /** Nothing comes through, the provider's resolver included. */
  | { readonly kind: 'blackout' }

export type AddressAction =
  | 'drop'
  | 'host_unreachable'
  | 'net_unreachable'
  | 'admin_prohibited'
  /** A reset in answer to the SYN. */
  | 'reset'

export interface Policy {
  readonly isp: Isp['key']
  readonly rules: readonly Rule[]
}

/** Ports of the boxes in the provider's namespace. */
export const boxPorts = {
  block_page: 8080,
  portal: 8081,
  wrong_authority: 8441,
  expired: 8442,
  wrong_name: 8443,
  expired_wrong_authority: 8444,
  plain_http: 8445,
  alert: 8446,
  close: 8447,
} as const

export interface CompiledPolicy {
  /** For `nft -f`. */
  readonly nft: string
  /** For `iptables-restore`. */
  readonly iptables: string
  /** For the provider's resolver; the key `*` stands for every name. */
  readonly answers: Readonly<Record<string, DnsAnswer>>
  /** For inject.py. */
  readonly injections: readonly { readonly name: string; readonly address: string }[]
}

const rejections: Readonly<Record<AddressAction, string>> = {
  drop: 'drop',
  host_unreachable: 'reject with icmp type host-unreachable',
  net_unreachable: 'reject with icmp type net-unreachable',
  admin_prohibited: 'reject with icmp type admin-prohibited',
  reset: 'meta l4proto tcp reject with tcp reset',
}

/** The mark of flows that are to be blackholed. */
const condemned = '0x9'

export function compile({ rules }: Policy, isp: Isp): CompiledPolicy {
  const prerouting: string[] = []
  const redirect: string[] = []
  const forward: string[] = []
  const strings: string[] = []
  const answers: Record<string, DnsAnswer> = {}
  const injections: { name: string; address: string }[] = []
  for (const rule of rules) {
    switch (rule.kind) {
      case 'resolver': {
        const { answer } = rule
        answers[rule.name ?? '*'] =
          typeof answer === 'string' ? answer : { address: addressOf(answer.address) }
        break
      }
      case 'resolver_hijack':
        redirect.push(`iifname "cust" ip daddr != ${isp.resolver} udp dport 53 dnat to ${isp.resolver}`)
        break
      case 'dns_injection':
        injections.push({ name: rule.name, address: addressOf(rule.address) })
        break
      case 'address':
        forward.push(`ip daddr ${addressOf(rule.site)} ${rejections[rule.action]}`)
        break
      case 'server_name':
        strings.push(...matching(443, `--string ${rule.name}`, rule.action))
        break
      case 'host_header':
        strings.push(...matching(80, `--icase --string "Host: ${rule.name}"`, rule.action))
        break
      case 'box': {
        const port = rule.box === 'block_page' ? 80 : 443
        redirect.push(`ip daddr ${addressOf(rule.site)} tcp dport ${port} redirect to :${boxPorts[rule.box]}`)
        break
      }
      case 'captive_portal':
        redirect.push(`iifname "cust" tcp dport 80 redirect to :${boxPorts.portal}`)
        forward.push('iifname "cust" meta l4proto tcp reject with tcp reset', 'iifname "cust" drop')
        break
      case 'loss':
        prerouting.push(`numgen random mod 1000 < ${Math.round(rule.percent * 10)} drop`)
        break
      case 'blackout':
        prerouting.push('iifname "cust" drop', 'iifname "wan" drop')
        break
      default:
        rule satisfies never
    }
  }
  return { nft: nftFile(prerouting, redirect, forward), iptables: iptablesFile(strings), answers, injections }
}

function matching(port: number, match: string, action: 'reset' | 'drop' | 'blackhole'): string[] {
  const found = `-A FORWARD -p tcp --dport ${port} -m string --algo bm ${match}`
  if (action === 'reset') return [`${found} -j REJECT --reject-with tcp-reset`]
  if (action === 'drop') return [`${found} -j DROP`]
  return [
    `${found} -j CONNMARK --set-mark ${condemned}`,
    `-A FORWARD -m connmark --mark ${condemned} -j DROP`,
  ]
}

/** Declared, deleted and made anew: the way to replace a table in one transaction whether or not it was there. */
function nftFile(
  prerouting: readonly string[],
  redirect: readonly string[],
  forward: readonly string[],
): string {
  return `table ip censor
delete table ip censor
table ip censor {
  chain first { type filter hook prerouting priority -400;
${indented(prerouting)}  }
  chain elsewhere { type nat hook prerouting priority -100;
${indented(redirect)}  }
  chain passing { type filter hook forward priority -10;
${indented(forward)}  }
}
`
}

function iptablesFile(strings: readonly string[]): string {
  const lines = ['*filter', ':INPUT ACCEPT', ':FORWARD ACCEPT', ':OUTPUT ACCEPT', ...strings, 'COMMIT']
  return `${lines.join('\n')}\n`
}

const indented = (lines: readonly string[]) => lines.map((line) => `    ${line}\n`).join('')
