// The loop on the evening's clock, with many keys: what a probe's own deal makes of the evening.

import { expect, it } from 'vitest'
import { interferenceAt, subjectsOf, timeOf } from './evening.ts'
import { mali2018 } from './mali-2018.ts'
import { plannedCycles } from './planned.ts'

const setup = { cron: '*/15 * * * *', spread: 3, bursts: false }
const found = (subject: string, at: number) => interferenceAt(mali2018, 'o', subject, at) === null

/** When the first cycle met interference. */
async function firstSign(seed: string): Promise<string> {
  const cycles = await plannedCycles(mali2018, { ...setup, seed }, found)
  const first = cycles.find(({ at, entries }) => subjectsOf(entries).some((subject) => !found(subject, at)))
  return timeOf(first?.at ?? 0)
}

it('with one key of three the first sign of the evening comes by 17:40, with every key by 17:50', async () => {
  const signs = await Promise.all(Array.from({ length: 60 }, async (_, n) => firstSign(`device ${n}`)))
  expect(new Set(signs)).toEqual(new Set(['17:40', '17:45', '17:50']))
  const early = signs.filter((sign) => sign === '17:40').length
  expect(early).toBeGreaterThan(10)
  expect(early).toBeLessThan(30)
})

it("with every key a burst sees each of WhatsApp's four states", async () => {
  for (let n = 0; n < 20; n++) {
    const cycles = await plannedCycles(mali2018, { ...setup, bursts: true, seed: `device ${n}` }, found)
    const looks = cycles.filter(({ entries }) => entries.some(({ nettest }) => nettest === 'whatsapp'))
    for (const [from, until] of [
      ['17:43', '19:08'],
      ['19:08', '19:18'],
      ['19:18', '19:26'],
      ['19:26', '19:52'],
    ] as const)
      expect(
        looks.some(({ at }) => from <= timeOf(at) && timeOf(at) < until),
        `${n} ${from}`,
      ).toBe(true)
  }
})

it('plannedCycles() asks for the same when it is told what it asked for', async () => {
  const planned = { ...setup, bursts: true, seed: 'a device' }
  expect(await plannedCycles(mali2018, planned, found)).toEqual(await plannedCycles(mali2018, planned, found))
  // What cannot be told changes nothing.
  const nothing = await plannedCycles(mali2018, planned, () => null)
  expect(nothing).toEqual(await plannedCycles(mali2018, { ...planned, bursts: false }, found))
})
