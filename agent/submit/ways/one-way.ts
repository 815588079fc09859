// One way to a URL that the operator gave, without a ladder and without memory: for enrolling.

import { Connection, type Patience, type Request } from '../transports/connection.ts'
import { type DialFailed, dial } from '../transports/dial.ts'
import { NoAnswer } from '../transports/no-answer.ts'
import { afterMute, unknownForm } from './form.ts'
import type { Way } from './way.ts'

export interface OneWayOptions extends Patience {
  /** Clock in milliseconds that never goes back. */
  readonly now: () => number
}

/**
 * Connects at once.
 * @throws {NoAnswer} When no connection comes about. {TypeError} when it is not a URL for HTTP.
 */
export async function openWay(
  url: string,
  { now, ...patience }: OneWayOptions,
): Promise<Pick<Way, 'exchange' | 'close'> & { readonly connection: Connection }> {
  if (!/^https?:$/.test(new URL(url).protocol)) throw new TypeError(`Cannot speak HTTP to ${url}`)
  if (patience.signal.aborted) throw new NoAnswer('interrupted')
  const endpoint = { kind: 'collector', url } as const
  const dialling = { now, signal: patience.signal, session: noSession, timeoutMs: patience.silenceMs }
  const line = await dial(endpoint, dialling).catch((failure: DialFailed) => {
    // What connected and then said nothing may answer at its other address, or to a shorter beginning of TLS.
    if (!failure.isMute || patience.signal.aborted) throw failure
    const { family } = afterMute(unknownForm, failure.family)
    return dial(endpoint, { ...dialling, family, shortHello: true })
  })
  const connection = new Connection(url, line, now)
  return {
    connection,
    exchange: (request: Request) =>
      connection.exchange(request, { totalMs: 4 * patience.silenceMs, ...patience }),
    close: () => connection.close(),
  }
}

const noSession = { read: () => undefined, write: () => {} }
