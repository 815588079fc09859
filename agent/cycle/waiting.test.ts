import { describe, expect, it } from 'vitest'
import { waitingFor, waitingKey } from './waiting.ts'

const hour = 3_600_000
const task = {
  nettest: 'web_connectivity',
  input: 'https://site.example/',
  categoryCode: 'NEWS',
  resolver: null,
} as const
const failed = { step: 'connect', how: 'generic_timeout_error', secondsAgo: 0 } as const
const waiting = { [waitingKey(task)]: { failed, atMs: 10 * hour } }

describe('waitingFor()', () => {
  it.each([
    ['an hour later', 11 * hour, { ...failed, secondsAgo: 3_600 }],
    ['a day later', 34 * hour, { ...failed, secondsAgo: 86_400 }],
    ['more than a day later', 34 * hour + 1, null],
    ['when the clock went back', 9 * hour, null],
  ])('%s', (_, nowMs, earlier) => {
    expect(waitingFor(waiting, task, nowMs)).toEqual(earlier)
  })

  it('knows nothing of another input, nor of the same with another nettest', () => {
    expect(waitingFor(waiting, { ...task, input: 'https://other.example/' }, 11 * hour)).toBeNull()
    expect(waitingFor(waiting, { ...task, nettest: 'whatsapp', input: null }, 11 * hour)).toBeNull()
  })
})
