// Reads what a proxy says before it begins to pass bytes on, and not a byte more: what follows comes from the other
// side.

import type { Socket } from 'node:net'
import { NoAnswer } from './no-answer.ts'
import { settled } from './tcp.ts'

/** Room for a CONNECT answer with a page of explanation; SOCKS5 needs 262 bytes at most. */
const maxReplyBytes = 16 * 1024

/**
 * @param lengthOf - Gives the length of the reply at the front of the bytes so far; null while the reply is not
 * whole.
 * @throws {NoAnswer}
 */
export function readReply(
  socket: Socket,
  lengthOf: (bytes: Buffer) => number | null,
  signal: AbortSignal,
): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  return settled<Buffer>(signal, (resolve, reject) => {
    const done = () => {
      socket.off('data', take).off('end', ended).off('close', ended).off('error', reject).pause()
    }
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const length = lengthOf(bytes)
      if (length === null && bytes.length <= maxReplyBytes) return
      done()
      if (length === null) return reject(new NoAnswer('proxy_reply_too_long'))
      if (bytes.length > length) socket.unshift(bytes.subarray(length))
      resolve(bytes.subarray(0, length))
    }
    const ended = () => reject(new NoAnswer('proxy_hung_up'))
    socket.on('data', take).once('end', ended).once('close', ended).once('error', reject)
    socket.resume()
  })
}
