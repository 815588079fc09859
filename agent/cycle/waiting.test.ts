import { describe, expect, it } from 'vitest'
import { stillWaiting, waitingFor, waitingKey } from './waiting.ts'

const hour = 3_600_000
const task = {
  nettest: 'web_connectivity',
  input: 'https://site.example/',
  categoryCode: 'NEWS',
  resolver: null,
} as const
const failed = { step: 'connect', how: 'generic_timeout_error', secondsAgo: 0 } as const
const waiting = { uplink: 'wifi', tasks: new Map([[waitingKey(task), { failed, endedMs: 10 * hour }]]) }
const now = { uplink: 'wifi', monotonicMs: 11 * hour }

describe('stillWaiting()', () => {
  const other = { ...task, input: 'https://other.example/' }
  const fresh = { uplink: 'wifi', tasks: new Map([[waitingKey(other), { failed, endedMs: 11 * hour }]]) }

  it.each([
    ['keeps what was not measured since', [], fresh, 11 * hour, [task, other]],
    ['forgets what was', [task], fresh, 11 * hour, [other]],
    [
      'forgets everything with the network that it was of',
      [],
      { ...fresh, uplink: 'mobile' },
      11 * hour,
      [other],
    ],
    ['forgets what is a day old', [], fresh, 35 * hour, [other]],
  ])('%s', (_, measuredSince, now, ms, expected) => {
    const { tasks } = stillWaiting(waiting, measuredSince, now, ms)
    expect([...tasks.keys()]).toEqual(expected.map(waitingKey))
  })
})

describe('waitingFor()', () => {
  it.each([
    ['an hour later', 11 * hour, { ...failed, secondsAgo: 3_600 }],
    ['a day later', 34 * hour, { ...failed, secondsAgo: 86_400 }],
    ['more than a day later', 34 * hour + 1, null],
  ])('%s', (_, monotonicMs, earlier) => {
    expect(waitingFor(waiting, task, { ...now, monotonicMs })).toEqual(earlier)
  })

  it('knows nothing over another network: a failure on each is none on both', () => {
    expect(waitingFor(waiting, task, { ...now, uplink: 'mobile' })).toBeNull()
  })

  it('knows nothing of another input, nettest or option', () => {
    expect(waitingFor(waiting, { ...task, input: 'https://other.example/' }, now)).toBeNull()
    expect(waitingFor(waiting, { ...task, nettest: 'whatsapp', input: null }, now)).toBeNull()
    expect(waitingFor(waiting, { ...task, options: { body_bytes: 40_000 } }, now)).toBeNull()
  })
})
