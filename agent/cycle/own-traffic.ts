// Whether this probe's own questions crowd each other out. Over a line of 32 kbit/s eight handshakes at once wait in one queue for
// longer than a connect has: what is met then is the probe itself, and no network. On such a line one thing is asked after the
// other, and what was silent in the crowd does not count. tests-spec/nettests/verdict.md, "A line that the probe fills", is the
// page.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'

/** Smaller answers say nothing of a line: they fit into what it holds anyway. Bytes. */
const leastBytes = 500

/** Of two, both may have lost a packet: on a line that loses every third, one flow in two does. */
const leastFlows = 3

/**
 * A flow that took less than this beyond its round trips was not slow, whatever came: a busy processor costs as much, and a packet
 * that is sent again goes out after 0.2 s. Seconds.
 */
const leastSeconds = 0.25

/**
 * Four tasks of eight endpoints each bring some 160 kB at once, and a connect beside them waits 10 s: what gives each flow less than
 * this may be too little. Bytes per second.
 */
const slowBytesPerSecond = 16_000

/** Of one task, from its beginning. */
export interface Presence {
  /** To be called when its last packet was sent. */
  end(): void
  /** @param several - Whether it asks several things at once by itself. */
  wasCrowded(several: boolean): boolean
}

export class OwnTraffic {
  #slow = false
  /** Of a connect in this cycle, in seconds: what a round trip takes while nothing else is on the line. */
  #roundTrip = Number.POSITIVE_INFINITY
  #underWay = 0
  #begun = 0

  /** Whether things are to be asked one after the other. Once a line was slow it is for the rest of the cycle. */
  isSlow(): boolean {
    return this.#slow
  }

  /** Looks at what else was measured for how fast the line is. One host may be slow by itself: it takes two, and nothing that was fast. */
  note(observations: Observations): void {
    const connects = observations.tcp_connect.filter(({ status }) => status.success)
    this.#roundTrip = Math.min(this.#roundTrip, ...connects.map(({ t0, t }) => t - t0))
    const flows = flowsOf(observations, this.#roundTrip)
    const hosts = new Set(flows.map(({ host }) => host))
    if (flows.length >= leastFlows && hosts.size > 1 && flows.every(({ slow }) => slow)) this.#slow = true
  }

  begin(): Presence {
    const wasSlow = this.#slow
    const before = this.#underWay
    const begunBefore = ++this.#begun
    this.#underWay += 1
    let begunMeanwhile = 0
    return {
      end: () => {
        this.#underWay -= 1
        begunMeanwhile = this.#begun - begunBefore
      },
      wasCrowded: (several) => this.#slow && !wasSlow && (several || before > 0 || begunMeanwhile > 0),
    }
  }
}

interface Flow {
  readonly host: string
  readonly slow: boolean
}

/** Handshakes and responses that brought enough to tell, less the two round trips that they take on any line. */
function flowsOf({ tls_handshakes, requests }: Observations, roundTrip: number): Flow[] {
  return [...tls_handshakes, ...requests].flatMap((each) => {
    const { x_sonde_bytes_received: bytes = 0, failure, address, t0, t } = each
    if (failure !== null || bytes < leastBytes) return []
    const seconds = t - t0 - 2 * roundTrip
    return [
      {
        host: address.replace(/:\d+$/, ''),
        slow: seconds > leastSeconds && bytes / seconds < slowBytesPerSecond,
      },
    ]
  })
}
