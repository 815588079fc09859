// How long is waited on one way, and in which packets a body goes there. Pure: it is read from what is known.

import type { Patience, Request } from '../transports/connection.ts'
import { usableMs } from './flow-life.ts'
import { besideHeadersBytes, smallPacketBytes, speedOf } from './form.ts'
import { silenceLimitMs } from './stall.ts'
import type { WayPast } from './way-knowledge.ts'

/** A request and its answer need this long at most, beside two silences that are waited out and the body's own time. */
const leastTotalMs = 20_000
/** A body, or a long answer, may be this much slower than the way was before. */
const slowness = 4

export function patienceFor(
  { stalls, life, form }: Pick<WayPast, 'stalls' | 'life' | 'form'>,
  rttMs: number,
  { body, mostBytes = 0 }: Pick<Request, 'body' | 'mostBytes'>,
): Omit<Patience, 'signal'> {
  const silenceMs = silenceLimitMs(rttMs, stalls)
  const bytesPerMs = speedOf(form)
  return {
    silenceMs,
    usableMs: usableMs(life),
    bytesPerMs,
    totalMs: leastTotalMs + 2 * silenceMs + (slowness * ((body?.length ?? 0) + mostBytes)) / bytesPerMs,
    packets:
      form.smallFor === 0
        ? null
        : { firstBytes: besideHeadersBytes, bytes: smallPacketBytes, pauseMs: form.pauseMs },
  }
}
