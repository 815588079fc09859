// Interim answers that nobody asked for. Servers on the way send 100 (Continue) also to requests without `Expect`, and a client
// must be able to read that (RFC 9110 §15.2), but undici ends the connection at a 100. It reads any other.

import type { Duplex } from 'node:stream'

const interim = /^HTTP\/1\.[01] 1\d\d/
/** 103 (Early Hints) says of the body as little as 100. */
const hints = Buffer.from('103')
const statusAt = 'HTTP/1.1 '.length

/**
 * Lets undici read 100 as 103 wherever an answer may begin. What comes in two pieces within a status line is left alone.
 *
 * @param isAwaited - Whether no final answer has begun: a body may have such words as well.
 */
export function letContinue(socket: Duplex, isAwaited: () => boolean): void {
  const read = socket.read.bind(socket)
  socket.read = (size?: number) => {
    const chunk: unknown = read(size)
    if (Buffer.isBuffer(chunk) && isAwaited()) rename(chunk)
    return chunk
  }
}

function rename(chunk: Buffer): void {
  for (let at = 0; interim.test(chunk.toString('latin1', at, at + 12)); ) {
    if (chunk.toString('latin1', at + statusAt, at + 12) === '100') hints.copy(chunk, at + statusAt)
    const end = chunk.indexOf('\r\n\r\n', at)
    if (end === -1) return
    at = end + 4
  }
}
