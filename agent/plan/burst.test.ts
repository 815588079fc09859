// The burst by itself: when it looks, at what, and when it has enough.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { type Burst, burstAfter, flapping, lookedAt, maxLookedAt, nextLook } from './burst.ts'
import { entryKey, kindOf, ownerOf } from './kinship.ts'

const { entries } = parseTestList(core)
const minute = 60_000
const key = (input: string | null) => {
  const entry = entries.find(
    (each) => each.input === input || (input === null && each.nettest === 'whatsapp'),
  )
  if (entry === undefined) throw new Error(`The core list has no ${input}`)
  return entryKey(entry)
}
const [twitter, whatsapp, tor] = [key('https://twitter.com/'), key(null), key('https://www.torproject.org/')]
const roundMs = 5 * minute

/** Looks until the burst leaves it to the rounds, and until it is over; each begins when it is due. */
function looks(burst: Burst, round = roundMs) {
  const at: number[] = []
  let state = burst
  let now = burst.lookedMs
  for (;;) {
    const next = nextLook(state, round, now, 'seed')
    if (next.kind !== 'between') return { at, kind: next.kind, now, state }
    now = Math.max(next.atMs, now)
    at.push(now)
    state = burstAfter(state, [], now, true) ?? state
  }
}
const begun = (atMs = 0): Burst => burstAfter(null, [twitter], atMs, false) ?? fail()
const fail = (): never => {
  throw new Error('A change begins a burst')
}

describe('nextLook()', () => {
  it('comes one to two minutes after the one before for half an hour, two to four for another, then with rounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (atMs) => {
        const { at, kind, now } = looks(begun(atMs))
        const apart = at.map((each, n) => each - (at[n - 1] ?? atMs))
        for (const [n, each] of apart.entries()) {
          const isEarly = (at[n] ?? 0) - each < atMs + 30 * minute
          expect(each).toBeGreaterThanOrEqual(minute)
          expect(each).toBeLessThanOrEqual((isEarly ? 2 : 4) * minute)
        }
        expect(at.filter((each) => each - atMs <= 30 * minute).length).toBeGreaterThanOrEqual(15)
        expect(kind).toBe('with_rounds')
        expect(now - atMs).toBeGreaterThan(58 * minute)
        expect(now - atMs).toBeLessThan(65 * minute)
      }),
      { numRuns: 100 },
    )
  })

  it('is over two hours after the last change where rounds are five minutes apart', () => {
    const burst = begun()
    expect(nextLook(burst, roundMs, 119 * minute, 's').kind).toBe('with_rounds')
    expect(nextLook(burst, roundMs, 120 * minute, 's').kind).toBe('over')
  })

  it('is over after four hours where the schedule would let it go on', () => {
    expect(nextLook(begun(), 24 * 60 * minute, 239 * minute, 's').kind).toBe('between')
    expect(nextLook(begun(), 24 * 60 * minute, 240 * minute, 's').kind).toBe('over')
  })

  it('leaves everything to rounds that are as close themselves', () => {
    expect(nextLook(begun(), minute, 1, 's').kind).toBe('with_rounds')
    expect(nextLook(begun(), minute, 30 * minute, 's').kind).toBe('over')
  })
})

describe('burstAfter()', () => {
  it('stays none while nothing changes', () => {
    expect(burstAfter(null, [], 0, false)).toBeNull()
  })

  it('begins anew with a further change, and is about that one first', () => {
    const burst = burstAfter(begun(), [whatsapp], 40 * minute, false)
    expect(burst).toMatchObject({ sinceMs: 40 * minute, about: [whatsapp, twitter] })
  })

  it('does not begin anew by what flaps, says so, and does by what does not', () => {
    let burst: Burst | null = null
    for (let n = 0; n < 7; n++) burst = burstAfter(burst, [twitter], n * 2 * minute, true)
    expect(burst?.sinceMs).toBe(10 * minute)
    expect(flapping(burst, 12 * minute)).toEqual(new Map([[twitter, 7]]))
    expect(burstAfter(burst, [twitter, whatsapp], 13 * minute, true)?.sinceMs).toBe(13 * minute)
    // Within an hour of its first changes it flaps, later no more.
    expect(flapping(burst, 60 * minute).size).toBe(0)
    expect(burstAfter(burst, [twitter], 63 * minute, true)?.sinceMs).toBe(63 * minute)
  })

  it('remembers changes of one hour and few targets, however many change', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 10 * minute }), fc.subarray(entries.map(entryKey)))),
        (cycles) => {
          let burst: Burst | null = null
          let now = 0
          for (const [waitMs, keys] of cycles) {
            now += waitMs
            burst = burstAfter(burst, keys, now, true)
            expect(burst?.about.length ?? 0).toBeLessThanOrEqual(maxLookedAt)
            expect(burst?.changes.every(({ atMs }) => now - atMs < 60 * minute) ?? true).toBe(true)
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('lookedAt()', () => {
  it('looks at what changed, what is akin to it, and two of other kinds', () => {
    const about = [whatsapp]
    const chosen = lookedAt(entries, { about }, 'seed')
    expect(chosen).toHaveLength(maxLookedAt)
    expect(chosen[0] && entryKey(chosen[0])).toBe(whatsapp)
    const owners = chosen.filter((entry) => kindOf(entry) === 'COMT').map(ownerOf)
    expect(owners.filter((owner) => owner === 'meta')).toHaveLength(2)
    expect(new Set(owners).size).toBe(5)
    const kinds = chosen.map(kindOf)
    expect(kinds.filter((kind) => kind === 'COMT')).toHaveLength(6)
    expect(new Set(kinds)).toEqual(new Set(['COMT', 'ANON', 'NEWS']))
  })

  it('takes everything of a short list, each once', () => {
    const few = entries.filter((entry) => [twitter, whatsapp, tor].includes(entryKey(entry)))
    expect(new Set(lookedAt(few, { about: [twitter] }, 'seed'))).toEqual(new Set(few))
    expect(lookedAt([...few, ...few], { about: [twitter] }, 'seed')).toHaveLength(3)
  })

  it('takes turns with what finds no room', () => {
    const looks = Array.from({ length: 30 }, (_, n) => lookedAt(entries, { about: [twitter] }, `seed ${n}`))
    const akin = entries.filter((entry) => kindOf(entry) === 'COMT')
    const share = (entry: (typeof entries)[number]) => looks.filter((look) => look.includes(entry)).length
    expect(Math.min(...akin.map(share))).toBeGreaterThanOrEqual(3)
    expect(share(entries.find((entry) => entryKey(entry) === twitter) ?? fail())).toBe(30)
  })

  it('looks at nothing when what changed has left the list', () => {
    expect(lookedAt(entries, { about: ['gone'] }, 'seed')).toEqual([])
  })

  it('never looks at more than it may, and always at what changed last', () => {
    fc.assert(
      fc.property(
        fc.subarray(entries.map(entryKey), { minLength: 1, maxLength: maxLookedAt }),
        fc.string(),
        (about, seed) => {
          const chosen = lookedAt(entries, { about }, seed).map(entryKey)
          expect(chosen.length).toBe(maxLookedAt)
          expect(new Set(chosen).size).toBe(chosen.length)
          expect(chosen.slice(0, 6)).toEqual(expect.arrayContaining(about.slice(0, 6)))
        },
      ),
    )
  })
})
