// DNS for the lab's names: the public resolvers tell the truth, a provider's may be told to lie. Over UDP here; over
// TLS in encrypted-name-server.ts.

import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { CHECKING_DISABLED, decode, encode } from 'dns-packet'
import type { DnsAnswer } from './policy.ts'
import { addressesOf, otherNames, sites, translated } from './topology.ts'

/** Flags of a response: recursion available and desired, and the RCODE. */
const answered = 0x180
const rcodes = { empty: 0, servfail: 2, nxdomain: 3, refused: 5 } as const

/** What to say instead of the truth, by name; undefined for the truth. */
export type Lie = (name: string) => DnsAnswer | undefined

/**
 * @param address - One socket per address: a socket on all of them would answer from the wrong one.
 * @param translates - Whether it makes addresses of IPv6 for names that have none (RFC 6147).
 */
export async function startNameServer(address: string, lie?: Lie, translates = false): Promise<void> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4')
  socket.on('message', (message, from) => {
    const reply = answerTo(message, lie, translates)
    if (reply === null) return
    setTimeout(() => socket.send(reply.packet, from.port, from.address), reply.lateMs)
  })
  await new Promise<void>((resolve) => socket.bind(53, address, resolve))
}

export interface Reply {
  readonly packet: Buffer
  readonly lateMs: number
}

const lateMs = 300

/** @returns null for silence. */
export function answerTo(message: Buffer, lie: Lie = () => undefined, translates = false): Reply | null {
  const { id = 0, flags = 0, questions = [] } = decode(message)
  const question = questions[0]
  if (question === undefined) return null
  const name = question.name.toLowerCase()
  const told = lie(name) ?? truth(name, (flags & CHECKING_DISABLED) === 0)
  const said = told === 'late' ? truth(name, true) : told
  if (said === 'silence') return null
  const told4or6 = typeof said === 'string' ? [] : [said].flat()
  const known = translates ? withTranslated(told4or6) : told4or6
  const family = question.type === 'AAAA' ? 6 : question.type === 'A' ? 4 : 0
  const packet = encode({
    type: 'response',
    id,
    flags: answered | (typeof said === 'string' ? rcodes[said] : 0),
    questions,
    answers: known
      .filter(({ address }) => isIP(address) === family)
      .map(({ address }) => ({
        type: family === 6 ? 'AAAA' : 'A',
        name: question.name,
        ttl: 60,
        data: address,
      })),
  })
  return { packet, lateMs: told === 'late' ? lateMs : 0 }
}

/** Addresses of IPv4 in the prefix that the translator serves, unless there is one of IPv6. */
function withTranslated(known: readonly { readonly address: string }[]) {
  if (known.some(({ address }) => isIP(address) === 6)) return known
  return [...known, ...known.map(({ address }) => ({ address: `${translated.prefix}${address}` }))]
}

function truth(
  name: string,
  checks: boolean,
): 'nxdomain' | 'servfail' | readonly { readonly address: string }[] {
  const site = sites[name]
  const other = otherNames[name]
  if (other !== undefined) return other.map((address) => ({ address }))
  if (site === undefined) return 'nxdomain'
  if (checks && site.kind === 'broken_zone') return 'servfail'
  const addresses = site.kind === 'bogon' ? ['127.0.0.1'] : addressesOf(site)
  return addresses.map((address) => ({ address }))
}
