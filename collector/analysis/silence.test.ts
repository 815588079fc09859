// Silence is judged by each probe's own habit and by its neighbours, and by no fixed hour.

import { expect, it } from 'vitest'
import { type Contacts, silences } from './silence.ts'

const minute = 60_000
const hour = 60 * minute
const now = Date.parse('2026-11-28T06:00:00Z')

/** Comes every `everyMs`, for the last time `agoMs` ago; each contact is of several batches. */
function regular(device: string, everyMs: number, agoMs: number, asn: string | null = 'AS30985'): Contacts {
  const contacts = Array.from({ length: 40 }, (_, n) => now - agoMs - n * everyMs)
  return { device, asn, arrivals: contacts.flatMap((at) => [at, at - 1_000, at - 2_000]) }
}

const stateOf = (probes: readonly Contacts[], device = 'a') =>
  silences(probes, now).find((each) => each.device === device)?.state

it.each([
  ['every quarter of an hour', 15 * minute, 14 * minute, 'as_usual'],
  ['every quarter of an hour', 15 * minute, 20 * minute, 'late'],
  ['every quarter of an hour', 15 * minute, hour, 'silent'],
  ['once a day', 24 * hour, 20 * hour, 'as_usual'],
  ['once a day', 24 * hour, 30 * hour, 'late'],
  ['once a week', 7 * 24 * hour, 100 * hour, 'as_usual'],
  ['once a week', 7 * 24 * hour, 400 * hour, 'silent'],
])('one that comes %s (%i) and was heard %i ago is %s', (_, everyMs, agoMs, state) => {
  expect(stateOf([regular('a', everyMs, agoMs)])).toBe(state)
})

it('forgives a probe its nightly power cut', () => {
  // By day every quarter of an hour, by night nothing for eleven hours.
  const days = Array.from({ length: 14 }, (_, day) =>
    Array.from({ length: 12 }, (_, n) => now - 10 * hour - day * 24 * hour - n * 15 * minute),
  )
  const probe = { device: 'a', asn: null, arrivals: days.flat() }
  expect(stateOf([probe])).toBe('as_usual')
})

it('says that the network is silent where most neighbours are, and only where they are of the same network', () => {
  const quiet = (device: string, asn?: string) => regular(device, 15 * minute, 3 * hour, asn)
  const well = (device: string, asn?: string) => regular(device, 15 * minute, minute, asn)
  expect(stateOf([quiet('a'), quiet('b'), well('c')])).toBe('network_silent')
  expect(stateOf([quiet('a'), well('b'), well('c'), quiet('d')])).toBe('silent')
  expect(stateOf([quiet('a'), quiet('b', 'AS21271'), quiet('c', 'AS21271')])).toBe('silent')
  expect(stateOf([well('a'), quiet('b'), quiet('c')])).toBe('as_usual')
})

it('knows nothing of a probe that is new, or that never came', () => {
  expect(stateOf([{ device: 'a', asn: null, arrivals: [] }])).toBe('never')
  expect(stateOf([{ device: 'a', asn: null, arrivals: [now - 90 * 24 * hour] }])).toBe('new')
  // A clock of the collector that was set back.
  expect(silences([regular('a', hour, -hour)], now)[0]).toMatchObject({ silentMs: 0, state: 'as_usual' })
})
