// DNS over UDP for the lab's names: the public resolvers tell the truth, a provider's may be told to lie.

import { createSocket } from 'node:dgram'
import { decode, encode } from 'dns-packet'
import type { DnsAnswer } from './policy.ts'
import { sites } from './topology.ts'

/** Flags of a response: recursion available and desired, and the RCODE. */
const answered = 0x180
const rcodes = { empty: 0, servfail: 2, nxdomain: 3, refused: 5 } as const

/**
 * @param address - One socket per address: a socket on all of them would answer from the wrong one.
 * @param lie - What to say instead of the truth, by name; undefined for the truth.
 */
export async function startNameServer(
  address: string,
  lie: (name: string) => DnsAnswer | undefined = () => undefined,
): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const { id = 0, questions = [] } = decode(message)
    const question = questions[0]
    if (question === undefined) return
    const name = question.name.toLowerCase()
    const answer = lie(name) ?? truth(name)
    if (answer === 'silence') return
    const known = typeof answer !== 'string' && question.type === 'A'
    const rcode = typeof answer === 'string' ? rcodes[answer] : 0
    const reply = encode({
      type: 'response',
      id,
      flags: answered | rcode,
      questions,
      answers: known ? [{ type: 'A', name: question.name, ttl: 60, data: answer.address }] : [],
    })
    socket.send(reply, from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(53, address, resolve))
}

function truth(name: string): DnsAnswer {
  const site = sites[name]
  return site === undefined ? 'nxdomain' : { address: site.address }
}
