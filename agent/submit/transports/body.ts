// Sends a body piece by piece, never far ahead of what the other side says it has. The kernel takes 64 kB in one call
// and does not show how long they stay there; on a link whose flows die, all of it would be sent again.

import { maxProgressAnswers } from '../../../tests-spec/protocol/resumable-upload.ts'

/** Size of one piece. When the kernel accepts a piece, that counts as a sign of life. */
export const pieceBytes = 4 * 1024
/**
 * What is under way on a link of 100 kbit/s with a round trip of 600 ms is half of this, and the collector confirms
 * each fifth of a body.
 */
const leastWindowBytes = 16 * 1024
/** On a faster link, the window is what it carries in this time: no more than that is lost with a flow. */
const windowMs = 1_500
/**
 * Where the other side does not confirm how far a body has come, waiting for a confirmation costs this much, once for
 * each line.
 */
const leastWaitMs = 300

export interface SendingWindow {
  /** @param held - Bytes that the other side has since the batch began. */
  confirm(held: number): void
  /** Resolves when more than `sent` bytes may be sent. */
  open(sent: number): Promise<void>
  /** True when the other side confirms nothing, so that bytes go as fast as the kernel takes them. */
  readonly isBlind: boolean
  /** Bytes for which time is allowed: those that were let through and are not confirmed. */
  readonly unconfirmed: number
  /** Whether the other side told at least once how far the body had come. */
  readonly isConfirmed: boolean
  /** True when the flow is about to die with pieces left, and those that were sent have had time to arrive. */
  readonly isSpent: boolean
  close(): void
}

export interface WindowOptions {
  /** Clock in milliseconds that never goes back. */
  readonly now: () => number
  /** Round trip time of the line in milliseconds. */
  readonly rttMs: number
  /** Offset in the batch, in bytes, at which the body begins. */
  readonly offset: number
  /** Bytes of the body. */
  readonly bytes: number
  /** Whether an earlier body on the same line found out that the other side confirms nothing. */
  readonly knownBlind: boolean
  /** Moment, by `now`, from which nothing more is sent; null when there is no such limit. */
  readonly spentMs: number | null
}

export function sendingWindow(options: WindowOptions): SendingWindow {
  const { now, rttMs, offset, bytes, knownBlind, spentMs } = options
  const begun = now()
  // Two pieces more than is confirmed at once, or the last confirmation would be waited for without end.
  const least = Math.max(leastWindowBytes, Math.ceil(bytes / maxProgressAnswers) + 2 * pieceBytes)
  let size = least
  /** Bytes that were let through. */
  let through = bytes <= pieceBytes ? bytes : 0
  /** Bytes of this body that are confirmed; null while none have been confirmed. */
  let confirmed: number | null = null
  let blind = knownBlind
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let wake = () => {}
  let waiting = false
  const pastMs = () => (spentMs === null ? -1 : now() - spentMs)
  const mayGoOn = (sent: number) => closed || (pastMs() < 0 && (blind || sent - (confirmed ?? 0) < size))
  return {
    confirm(held) {
      // A late confirmation, as happens where packets are lost: the other side does confirm after all.
      blind = false
      confirmed = Math.max(confirmed ?? 0, held - offset)
      size = Math.max(least, (confirmed / Math.max(1, now() - begun)) * windowMs)
      wake()
    },
    async open(sent) {
      if (confirmed === null && !mayGoOn(sent)) {
        timer = setTimeout(
          () => {
            // Either a proxy in between passes nothing on until it has everything, or the collector confirms nothing.
            if (confirmed === null) blind = true
            wake()
          },
          Math.max(leastWaitMs, 4 * rttMs),
        )
      }
      waiting = true
      while (!mayGoOn(sent)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      waiting = false
      through = Math.min(bytes, sent + pieceBytes)
    },
    get unconfirmed() {
      // Where nothing is ever confirmed, all of it may wait in a kernel, also what a lost packet holds up.
      return confirmed === null ? 2 * through : Math.max(0, through - confirmed)
    },
    get isConfirmed() {
      return confirmed !== null
    },
    get isBlind() {
      return blind
    },
    get isSpent() {
      return waiting && pastMs() >= 2 * rttMs
    },
    close() {
      clearTimeout(timer)
      closed = true
      wake()
    },
  }
}

export async function* pieces(body: Uint8Array, window: SendingWindow): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < body.length; sent += pieceBytes) {
    await window.open(sent)
    yield body.subarray(sent, sent + pieceBytes)
  }
}

/** Packets that fit any path. */
export interface SmallPackets {
  /** Bytes of the first, which the headers of the request share. */
  readonly firstBytes: number
  readonly bytes: number
  /** Milliseconds between two: the kernel joins what waits to be sent. */
  readonly pauseMs: number
}

export async function* smallPieces(
  body: Uint8Array,
  window: SendingWindow,
  { firstBytes, bytes, pauseMs }: SmallPackets,
): AsyncGenerator<Uint8Array> {
  for (let sent = 0, end = firstBytes; sent < body.length; sent = end, end += bytes) {
    if (sent > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    await window.open(sent)
    yield body.subarray(sent, end)
  }
}
