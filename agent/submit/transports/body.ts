// A body on its way, piece by piece, never far ahead of what the other side says it has. The kernel takes 64 kB in one
// gulp and hides for how long it lies there; on a link whose flows die, all of it would be sent again.

/** The kernel's acceptance of each is a sign of life. */
export const pieceBytes = 4 * 1024
/** Twice what is under way on a link of 100 kbit/s with a round trip of 600 ms; the collector confirms every 4 kB. */
const leastWindowBytes = 16 * 1024
/** On a faster link, what it carries in this time: no more than that is lost with a flow. */
const windowMs = 1_500
/** Where nobody says how far a body has come, waiting to hear costs this much, once for each line. */
const leastWaitMs = 300

export interface SendingWindow {
  /** @param held - What the other side has, in bytes since the batch began; null says only that it is listening. */
  confirm(held: number | null): void
  /** Resolves when `sent` bytes may become more. */
  open(sent: number): Promise<void>
  /** Nobody confirms anything here, so that bytes go as the kernel takes them. */
  readonly isBlind: boolean
  /** The flow is about to die with pieces left, and those that went have had time to arrive. */
  readonly isSpent: boolean
  close(): void
}

export interface WindowOptions {
  /** Milliseconds that only grow. */
  readonly now: () => number
  /** Of the line, in milliseconds. */
  readonly rttMs: number
  /** Where in the batch the body begins. */
  readonly offset: number
  /** What an earlier body on the same line found out. */
  readonly knownBlind: boolean
  /** From when on nothing more goes, by `now`; null when nothing says so. */
  readonly spentMs: number | null
}

export function sendingWindow({ now, rttMs, offset, knownBlind, spentMs }: WindowOptions): SendingWindow {
  const begun = now()
  let size = leastWindowBytes
  /** Bytes of this body; null while nobody has confirmed anything. */
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
      // Late, as it is where packets are lost: the other side does confirm after all.
      blind = false
      confirmed = Math.max(confirmed ?? 0, (held ?? 0) - offset)
      size = Math.max(leastWindowBytes, (confirmed / Math.max(1, now() - begun)) * windowMs)
      wake()
    },
    async open(sent) {
      if (confirmed === null && !mayGoOn(sent)) {
        timer = setTimeout(
          () => {
            // A proxy in between that passes nothing on until it has everything, or a collector that says nothing.
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
