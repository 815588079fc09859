import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { cases } from '../../../test/support/fuzzing.ts'
import { type BatchId, batchId, sha256Hex } from '../../../tests-spec/protocol/batch.ts'
import { patienceFor } from './patience.ts'
import {
  afterEvent,
  beginKnowledge,
  heldMs,
  holdOffMs,
  isMore,
  isProven,
  orderOfWays,
  routineHeldMs,
  type WayEvent,
  type WayKnowledge,
  wasLeft,
  wayOf,
} from './way-knowledge.ts'
import { nothingRemembered } from './way-memory.ts'

const idOf = (name: string): BatchId => v.parse(batchId, sha256Hex(Buffer.from(name)))
const [one, other] = [idOf('one'), idOf('other')]

/** Two ways that lead straight to the collector, one at a fixed address, and a relay. */
const ways = new Map([
  ['a', { isRelay: false, transport: 'direct' as const }],
  ['b', { isRelay: false, transport: 'direct' as const }],
  ['c', { isRelay: false, transport: 'fixed_ip' as const }],
  ['r', { isRelay: true, transport: 'relay' as const }],
])

const begun = (over: Partial<Parameters<typeof beginKnowledge>[0]> = {}) =>
  beginKnowledge({
    ways,
    remembered: nothingRemembered,
    nowMs: 0,
    maybeOffered: [],
    routineNotBeforeMs: 0,
    ...over,
  })

const good = (lastGood: string) => begun({ remembered: { lastGood, ways: new Map() } })

/** What is known after these events have happened, one each second. */
const knowing = (events: readonly WayEvent[], from: WayKnowledge = begun()): WayKnowledge =>
  events.reduce((known, event, i) => afterEvent(known, event, (i + 1) * 1_000), from)

const failed = (way: string, code = 'stalled'): WayEvent => ({ kind: 'failed', way, code })
const receipted = (way: string, batch = one, pauseMs = 0): WayEvent => ({
  kind: 'receipted',
  way,
  batch,
  pauseMs,
})
const heldOff = (ms: number, progressed = false): WayEvent => ({ kind: 'held_off', ms, progressed })
const arrived = (batch: BatchId, held: number): WayEvent => ({ kind: 'arrived', batch, held })
const stalled = (way: string, ageMs: number): WayEvent => ({ kind: 'stalled', way, ageMs })
const answered = (way: string, ageMs: number, silenceMs = 20, toBody = true): WayEvent => ({
  kind: 'answered',
  way,
  silenceMs,
  ageMs,
  toBody,
})

describe('the order of the ways', () => {
  it.each<[string, WayKnowledge, string]>([
    ['is as listed at first, relays last', begun(), 'abcr'],
    ['begins with what was good before a restart', good('c'), 'cabr'],
    ['is as listed when what was good is listed no more', good('gone'), 'abcr'],
    ['begins with what brought a receipt', knowing([receipted('b')]), 'bacr'],
    ['not with a relay that did', knowing([receipted('r')]), 'abcr'],
    ['puts the latest failure last', knowing([failed('b'), failed('a')]), 'cbar'],
    ['forgives the last good one nothing', knowing([receipted('a'), failed('a')]), 'bcar'],
    ['forgives all before a receipt', knowing([failed('a'), failed('b'), receipted('a')]), 'acbr'],
    ['forgives a relay too, which stays last', knowing([failed('r'), receipted('r')]), 'abcr'],
  ])('%s', (_, known, order) => {
    expect(orderOfWays(known, 100_000).join('')).toBe(order)
  })
})

describe('isProven()', () => {
  it.each<[string, WayKnowledge, string, boolean]>([
    ['nothing at first', begun(), 'a', false],
    ['the last good one', good('a'), 'a', true],
    ['no other', good('a'), 'b', false],
    ['the last good one, though it failed since', knowing([receipted('a'), failed('a')]), 'a', true],
    [
      'the last good one, though a relay brought a receipt',
      knowing([receipted('a'), receipted('r')]),
      'a',
      true,
    ],
    ['no relay', knowing([receipted('r')]), 'r', false],
    ['the only one there is', begun({ ways: new Map([...ways].slice(0, 1)) }), 'a', true],
  ])('%s', (_, known, way, proven) => {
    expect(isProven(known, way)).toBe(proven)
  })
})

describe('the counts', () => {
  it('are by transport, in the order they were first used', () => {
    const known = knowing([
      failed('c', 'ECONNREFUSED'),
      { kind: 'connected', way: 'a' },
      { kind: 'connected', way: 'b' },
      { kind: 'spent', way: 'a', sent: 100, received: 20 },
      { kind: 'spent', way: 'b', sent: 10, received: 2 },
      receipted('b'),
      failed('a'),
    ])
    expect([...known.counts.values()]).toEqual([
      count('fixed_ip', { failed: 1, lastFailure: 'ECONNREFUSED' }),
      count('direct', {
        connected: 2,
        failed: 1,
        accepted: 1,
        sent: 110,
        received: 22,
        lastFailure: 'stalled',
      }),
    ])
  })

  it('keep the last failure of a transport when a receipt comes over it', () => {
    const known = knowing([failed('a'), receipted('a')])
    expect(known.counts.get('direct')).toMatchObject({ lastFailure: 'stalled' })
  })

  it('are empty while nothing was dialled, and the failure is that nothing can be reached', () => {
    expect(begun()).toMatchObject({ counts: new Map(), lastFailure: 'unreachable' })
  })

  it('say what failed last on any way', () => {
    expect(knowing([failed('a', 'ENOTFOUND'), failed('r', 'status_404')]).lastFailure).toBe('status_404')
  })
})

function count(transport: string, over: object) {
  return {
    ...{ transport, connected: 0, failed: 0, accepted: 0, sent: 0, received: 0, lastFailure: null },
    ...over,
  }
}

describe('the patience', () => {
  it.each<[string, readonly WayEvent[], number, number | null]>([
    ['is the least on a fast line nothing is known of', [], 4_000, null],
    ['doubles with a stall of this way', [stalled('a', 14_000)], 8_000, null],
    ['and not with one of another', [stalled('b', 14_000)], 4_000, null],
    ['comes back with an answer to a body', [stalled('a', 14_000), answered('a', 100)], 4_000, null],
    [
      'and not with one to a question, which says nothing of bodies',
      [stalled('a', 14_000), answered('a', 100, 20, false)],
      8_000,
      null,
    ],
    ['gives room to a silence that ended well', [answered('a', 9_000, 9_000)], 13_500, null],
    ['ends flows in time when two died alike', [stalled('a', 14_000), stalled('a', 13_000)], 16_000, 10_400],
    [
      'until one lives longer',
      [stalled('a', 14_000), stalled('a', 13_000), answered('a', 30_000)],
      4_000,
      null,
    ],
    [
      'or twelve were ended in time',
      [
        stalled('a', 14_000),
        stalled('a', 13_000),
        ...Array.from({ length: 12 }, (): WayEvent => ({ kind: 'flow_cut', way: 'a' })),
      ],
      16_000,
      null,
    ],
    ['is not changed by a failure, which may be a name that does not resolve', [failed('a')], 4_000, null],
  ])('%s', (_, events, silenceMs, usableMs) => {
    expect(patienceFor(wayOf(knowing(events), 'a'), 20, {})).toMatchObject({ silenceMs, usableMs })
  })
})

describe('holding off', () => {
  it.each<[string, readonly WayEvent[], number, number]>([
    ['nothing at first', [], 500, 0],
    ['everything from the end of an attempt on', [heldOff(5_000)], 3_000, 3_000],
    ['until the time is over', [heldOff(5_000)], 6_000, 0],
    ['the later word counts', [heldOff(50_000), heldOff(1_000)], 2_500, 500],
    ['not after a receipt', [heldOff(5_000), receipted('a')], 2_500, 0],
  ])('holds %s', (_, events, nowMs, ms) => {
    expect(heldMs(knowing(events), nowMs)).toBe(ms)
  })

  it.each<[string, WayKnowledge, number, number]>([
    ['for its chance of the first minute', begun({ routineNotBeforeMs: 30_000 }), 10_000, 20_000],
    ['no more after a receipt', knowing([receipted('a')], begun({ routineNotBeforeMs: 30_000 })), 10_000, 0],
    ['for as long as a receipt asks', knowing([receipted('a', one, 7_000)]), 2_000, 6_000],
    ['as the last receipt says', knowing([receipted('a', one, 60_000), receipted('a', other)]), 3_000, 0],
    ['and not by a holding off, which is for all', knowing([heldOff(9_000)]), 2_000, 0],
  ])('holds routine batches %s', (_, known, nowMs, ms) => {
    expect(routineHeldMs(known, nowMs)).toBe(ms)
  })

  const nothing = { retryAfterMs: null, progressed: false }
  it.each<[string, readonly WayEvent[], Parameters<typeof holdOffMs>[1], number, number]>([
    ['2 s at most after the first', [], nothing, 1, 2_000],
    ['4 s after the second', [heldOff(1)], nothing, 1, 4_000],
    ['8 s after the third', [heldOff(1), heldOff(1)], nothing, 1, 8_000],
    ['by chance less', [heldOff(1), heldOff(1)], nothing, 0.25, 2_000],
    ['2 s again when part of a batch arrived', [heldOff(1)], { ...nothing, progressed: true }, 1, 2_000],
    ['4 s when one part arrived in the attempt before', [heldOff(1), heldOff(1, true)], nothing, 1, 4_000],
    ['2 s again after a receipt', [heldOff(1), heldOff(1), receipted('a')], nothing, 1, 2_000],
    ['4 s again: a way that fails counts once, however often', [heldOff(1), failed('a')], nothing, 1, 4_000],
    ['what was asked for', [heldOff(1)], { retryAfterMs: 30_000, progressed: false }, 0, 30_000],
    ['and by chance up to twice that', [], { retryAfterMs: 30_000, progressed: true }, 0.5, 45_000],
    ['which counts as an attempt', [heldOff(30_000)], nothing, 1, 4_000],
  ])('is for %s', (_, events, ending, chance, ms) => {
    expect(holdOffMs(knowing(events), ending, chance)).toBe(ms)
  })
})

describe('a batch', () => {
  it('was offered from its body on until its receipt, and before a restart perhaps', () => {
    const offered = (known: WayKnowledge) => [one, other].map((each) => known.offered.has(each))
    expect(offered(begun({ maybeOffered: [one] }))).toEqual([true, false])
    expect(offered(knowing([{ kind: 'offered', batch: other }]))).toEqual([false, true])
    const both = knowing([{ kind: 'offered', batch: other }], begun({ maybeOffered: [one] }))
    expect(offered(knowing([failed('a'), heldOff(1)], both))).toEqual([true, true])
    expect(offered(knowing([receipted('a', one)], both))).toEqual([false, true])
  })

  it.each<[string, readonly WayEvent[], number, boolean]>([
    ['the first part is', [], 32_768, true],
    ['nothing is not', [], 0, false],
    ['the same part again is not', [arrived(one, 32_768)], 32_768, false],
    ['nor is less', [arrived(one, 65_536)], 32_768, false],
    ['nor is less after less was told', [arrived(one, 65_536), arrived(one, 10)], 32_768, false],
    ['a further part is', [arrived(one, 32_768)], 65_536, true],
    ['another batch knows nothing of it', [arrived(other, 65_536)], 32_768, true],
    ['after its receipt it begins anew', [arrived(one, 65_536), receipted('a', one)], 32_768, true],
  ])('knows what is progress: %s', (_, events, held, more) => {
    expect(isMore(knowing(events), one, held)).toBe(more)
  })

  it('lies at the relay where it was left, and at no other', () => {
    const known = knowing([{ kind: 'left', way: 'r', batch: one }])
    expect(wasLeft(known, 'r', one)).toBe(true)
    expect(wasLeft(known, 'r', other)).toBe(false)
    expect(wasLeft(known, 'a', one)).toBe(false)
  })
})

describe('afterEvent()', () => {
  const way = fc.constantFrom('a', 'b', 'c', 'r')
  const batch = fc.constantFrom(one, other)
  const ms = fc.nat(60_000)
  const events = fc.array(
    fc.oneof(
      fc.record<WayEvent & { kind: 'connected' }>({ kind: fc.constant('connected'), way }),
      fc.record<WayEvent & { kind: 'spent' }>({ kind: fc.constant('spent'), way, sent: ms, received: ms }),
      fc.record<WayEvent & { kind: 'answered' }>({
        kind: fc.constant('answered'),
        way,
        silenceMs: ms,
        ageMs: ms,
        toBody: fc.boolean(),
      }),
      fc.record<WayEvent & { kind: 'stalled' }>({ kind: fc.constant('stalled'), way, ageMs: ms }),
      fc.record<WayEvent & { kind: 'flow_cut' }>({ kind: fc.constant('flow_cut'), way }),
      fc.record<WayEvent & { kind: 'failed' }>({
        kind: fc.constant('failed'),
        way,
        code: fc.constantFrom('x', 'y'),
      }),
      fc.record<WayEvent & { kind: 'offered' }>({ kind: fc.constant('offered'), batch }),
      fc.record<WayEvent & { kind: 'arrived' }>({ kind: fc.constant('arrived'), batch, held: ms }),
      fc.record<WayEvent & { kind: 'left' }>({ kind: fc.constant('left'), way, batch }),
      fc.record<WayEvent & { kind: 'receipted' }>({
        kind: fc.constant('receipted'),
        way,
        batch,
        pauseMs: ms,
      }),
      fc.record<WayEvent & { kind: 'held_off' }>({
        kind: fc.constant('held_off'),
        ms,
        progressed: fc.boolean(),
      }),
    ),
  )

  it('refuses a way that is not listed', () => {
    expect(() => knowing([failed('nobody')])).toThrow('There is no endpoint nobody')
  })

  it('keeps what must hold whatever happens, and leaves what was known before as it was', () => {
    fc.assert(
      fc.property(events, (all) => {
        let known = begun()
        for (const [i, event] of all.entries()) {
          const before = structuredClone(known)
          const next = afterEvent(known, event, i)
          expect(known).toEqual(before)
          known = next
        }
        expect(orderOfWays(known, all.length).sort()).toEqual(['a', 'b', 'c', 'r'])
        expect(known.ways.get(known.lastGood ?? 'a')?.isRelay).toBe(false)
        const total = (of: 'sent' | 'accepted') =>
          [...known.counts.values()].reduce((sum, each) => sum + each[of], 0)
        expect(total('sent')).toBe(
          all.reduce((sum, each) => sum + (each.kind === 'spent' ? each.sent : 0), 0),
        )
        expect(total('accepted')).toBe(all.filter(({ kind }) => kind === 'receipted').length)
        // After a receipt, nothing is held off and no failure is counted.
        const good = afterEvent(known, receipted('b', other), all.length)
        expect([good.failures, heldMs(good, 0), orderOfWays(good, all.length)[0]]).toEqual([0, 0, 'b'])
      }),
      { numRuns: cases(200, 3_000) },
    )
  })
})
