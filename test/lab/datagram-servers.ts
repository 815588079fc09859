// Two servers over UDP, each as much of it as a probe asks for: QUIC names its versions (RFC 9000 §17.2.1) and goes no
// further, and STUN says which address asked (RFC 8489 §14.2).

import { createSocket, type RemoteInfo } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { stunPort } from './topology.ts'

export const startQuic = (address: string) => start(address, 443, versionsFor)
export const startStun = (address: string) => start(address, stunPort, bindingFor)

type Answer = (asked: Buffer, from: RemoteInfo) => Buffer | null

/** One socket per address: a socket on all of them would answer from the wrong one. */
async function start(address: string, port: number, answer: Answer): Promise<void> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  socket.on('message', (asked, from) => {
    const reply = answer(asked, from)
    if (reply !== null) socket.send(reply, from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(port, address, resolve))
}

/** QUIC version 1, the only one this server would speak if it spoke any. */
const spoken = 1

/** To a long header of a version that is not spoken: the same ids, swapped, and the versions that are. */
const versionsFor: Answer = (asked) => {
  if (asked.length < 1200 || ((asked[0] ?? 0) & 0x80) === 0 || asked.readUInt32BE(1) === spoken) return null
  const target = asked.subarray(6, 6 + (asked[5] ?? 0))
  const at = 6 + target.length
  const source = asked.subarray(at + 1, at + 1 + (asked[at] ?? 0))
  const versions = Buffer.alloc(4)
  versions.writeUInt32BE(spoken)
  return Buffer.concat([
    Buffer.from([0x80, 0, 0, 0, 0, source.length]),
    source,
    Buffer.from([target.length]),
    target,
    versions,
  ])
}

const cookie = Buffer.from('2112a442', 'hex')

/** To a binding request: XOR-MAPPED-ADDRESS, for IPv4. */
const bindingFor: Answer = (asked, { address, port }) => {
  if (asked.length < 20 || asked.readUInt16BE(0) !== 1 || isIPv6(address)) return null
  const reply = Buffer.alloc(32)
  reply.writeUInt16BE(0x0101, 0)
  reply.writeUInt16BE(12, 2)
  asked.copy(reply, 4, 4, 20)
  reply.writeUInt16BE(0x0020, 20)
  reply.writeUInt16BE(8, 22)
  reply.writeUInt8(1, 25)
  reply.writeUInt16BE(port ^ cookie.readUInt16BE(0), 26)
  for (const [index, byte] of address.split('.').map(Number).entries())
    reply.writeUInt8(byte ^ (cookie[index] ?? 0), 28 + index)
  return reply
}
