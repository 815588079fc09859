// A way that is open: one connection after the other to the same endpoint. Many servers end a connection after each
// answer, or as the next request begins (RFC 9112 §9.6): then the endpoint is dialled again, and nothing has failed.

import type { Endpoint } from '../../../tests-spec/protocol/endpoint.ts'
import type { Answer, Connection, Patience, Request } from '../transports/connection.ts'
import { hangUps, NoAnswer } from '../transports/no-answer.ts'
import type { Way } from './way.ts'
import type { LineEvent } from './way-knowledge.ts'

export interface Opening {
  readonly id: string
  readonly endpoint: Endpoint
  readonly proven: boolean
  readonly signal: AbortSignal
  /** @throws {DialFailed} */
  dial(): Promise<Connection>
  patience(rttMs: number, request: Request): Omit<Patience, 'signal'>
  take(event: LineEvent): void
}

/** The connection ended as a request began on it, of which too much was sent to send it again without a question. */
export const endedIdle = 'ended_idle'
/** A request is sent again by itself when no more than this was sent of it. */
const sentAgainBytes = 4 * 1024

export class OpenWay implements Way {
  readonly id: string
  readonly endpoint: Endpoint
  readonly proven: boolean
  readonly #opening: Opening
  #connection: Connection
  #counted = { sent: 0, received: 0 }

  constructor(opening: Opening, connection: Connection) {
    this.#opening = opening
    this.#connection = connection
    this.id = opening.id
    this.endpoint = opening.endpoint
    this.proven = opening.proven
  }

  /** @throws {NoAnswer} */
  async exchange(request: Request): Promise<Answer> {
    // An end that came with the answer before it is seen a turn later.
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#connection.isOver) await this.#dialAgain()
    const before = this.#connection.spent.sent
    try {
      return await this.#over(request)
    } catch (error) {
      const ended = error instanceof NoAnswer && hangUps.has(error.code) && this.#connection.endedIdle
      if (!ended) throw error
      if (this.#connection.spent.sent - before > sentAgainBytes)
        throw new NoAnswer(endedIdle, { cause: error })
      await this.#dialAgain()
      return await this.#over(request)
    } finally {
      this.#count()
    }
  }

  close(): void {
    this.#connection.close()
    this.#count()
  }

  async #dialAgain(): Promise<void> {
    this.close()
    this.#connection = await this.#opening.dial()
    this.#counted = { sent: 0, received: 0 }
  }

  async #over(request: Request): Promise<Answer> {
    const { id: way, signal, take } = this.#opening
    const connection = this.#connection
    try {
      const patience = this.#opening.patience(connection.rttMs, request)
      const answer = await connection.exchange(request, { ...patience, signal })
      const toBody = request.body !== undefined
      take({ kind: 'answered', way, silenceMs: answer.silenceMs, ageMs: connection.heardAtAgeMs, toBody })
      return answer
    } catch (error) {
      const code = error instanceof NoAnswer ? error.code : null
      if (code === 'stalled') {
        take({ kind: 'stalled', way, ageMs: connection.heardAtAgeMs })
        const family = connection.muteFamily
        if (family !== null && hasChoice(this.endpoint)) take({ kind: 'mute', way, family })
      }
      if (code === 'flow_spent') take({ kind: 'flow_cut', way })
      throw error
    }
  }

  #count(): void {
    const { sent, received } = this.#connection.spent
    this.#opening.take({
      kind: 'spent',
      way: this.id,
      sent: sent - this.#counted.sent,
      received: received - this.#counted.received,
    })
    this.#counted = { sent, received }
  }
}

/** Whether its host may have addresses of both kinds, between which the agent chooses. */
export function hasChoice({ url, ip, proxy }: Endpoint): boolean {
  return ip === undefined && proxy === undefined && !/^[\d.]+$|^\[/.test(new URL(url).hostname)
}
