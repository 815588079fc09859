// Says to the collector that the host withdraws: tests-spec/protocol/farewell.md.

import { NoAnswer } from './transports/no-answer.ts'
import type { Uplink } from './ways/uplink.ts'

/** @returns Whether a collector has answered that it knows. */
export async function sayFarewell(uplink: Uplink, word: Uint8Array, signal: AbortSignal): Promise<boolean> {
  const tried = new Set<string>()
  while (!signal.aborted) {
    const way = await uplink.climb(tried, signal)
    if (way === null) return false
    tried.add(way.id)
    // A relay hands batches on, and no words.
    if (way.endpoint.kind === 'relay') {
      way.close()
      continue
    }
    try {
      const headers = { 'content-type': 'application/json' }
      const { status, body } = await way.exchange({
        method: 'POST',
        path: 'v1/farewell',
        headers,
        body: word,
      })
      // A portal answers 200 to anything.
      if (status === 200 && isAnswer(body)) return true
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
    } finally {
      way.close()
    }
  }
  return false
}

function isAnswer(body: Buffer): boolean {
  try {
    return 'withdrawn' in JSON.parse(body.toString('utf8'))
  } catch {
    return false
  }
}
