// The clocks of a probe are simulated, with their faults, and the true times are kept beside them. The bounds that
// the method finds must contain the truth.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, seed } from '../../test/support/fuzzing.ts'
import type { ClockQuality } from '../nettests/verdict.ts'
import type { TimeAnchor } from '../protocol/batch.ts'
import {
  anchorMoments,
  type BoundMoment,
  boundsOn,
  datedWithin,
  evidenceOf,
  type Moment,
  maxDrift,
  tighten,
  unbounded,
} from './dating.ts'

const second = 1_000
const hour = 3_600 * second
/** The drift that the method must stand: 200 ppm. */
const worst = 2e-4
const noon = Date.UTC(2018, 6, 29, 12)

/** How a machine tells that it slept: to a tick, in whole seconds, or not at all. */
type Kind = 'fine' | 'coarse' | 'blind'

type Event =
  | { readonly what: 'wait'; readonly ms: number }
  | { readonly what: 'sleep'; readonly ms: number }
  | { readonly what: 'set'; readonly byMs: number }
  | { readonly what: 'measure' }
  | { readonly what: 'seal'; readonly notBefore: boolean }
  /** Offers the oldest sealed batch; the receipt comes now, later, or was lost and comes with the next offer. */
  | { readonly what: 'upload'; readonly thereMs: number; readonly backMs: number; readonly lost: boolean }

const duration = fc.oneof(
  fc.integer({ min: 1, max: 5 * second }),
  fc.integer({ min: 1, max: 30 * 24 * hour }),
)
/** Some naps are too short for the machine to notice. */
const nap = fc.oneof(fc.integer({ min: 1, max: 120 }), duration)
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: duration }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('sleep' as const), ms: nap }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('set' as const),
      byMs: fc.integer({ min: -400 * 24 * hour, max: 400 * 24 * hour }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('measure' as const) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('seal' as const), notBefore: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('upload' as const),
      thereMs: fc.integer({ min: 0, max: 90 * second }),
      backMs: fc.integer({ min: 0, max: 90 * second }),
      lost: fc.boolean(),
    }),
  },
)
const boot = fc.record({
  kind: fc.constantFrom<Kind>('fine', 'coarse', 'blind'),
  drift: fc.oneof(fc.constantFrom(-worst, worst), fc.double({ min: -worst, max: worst, noNaN: true })),
  events: fc.array(event, { maxLength: 40, size: 'max' }),
})

interface Measured {
  readonly moment: Moment
  readonly truth: number
}

/** One boot as its probe would report it, and as it truly was. */
function live({ kind, drift, events }: { kind: Kind; drift: number; events: readonly Event[] }) {
  let [truth, mono, slept, held, steps] = [noon, 5_000.4, 0, 0, 0]
  const evidence: BoundMoment[] = []
  const measured: Measured[] = []
  const sealed: { id: string; left: Moment | null; receipt: number | null }[] = []
  let [batches, receivedAt] = [0, 0]
  const reading = () =>
    (kind === 'coarse' ? Math.floor((mono + slept) / second) * second : mono + slept) - mono
  const look = () => {
    const least = kind === 'coarse' ? 2_000 : 100
    if (reading() - held < least) return
    held = reading()
    steps++
  }
  const moment = (round = Math.round): Moment => {
    look()
    const told = kind === 'blind' ? null : Math.round(held)
    return {
      monoMs: round(mono),
      suspendedMs: kind === 'fine' && told !== null && told < 100 ? undefined : told,
      steps,
    }
  }
  const pass = (ms: number) => {
    truth += ms
    mono += ms / (1 + drift)
  }
  if (kind === 'coarse') held = reading()
  for (const each of events) {
    switch (each.what) {
      case 'wait':
        pass(each.ms)
        break
      case 'sleep':
        truth += each.ms
        slept += each.ms
        if (kind === 'blind' && each.ms >= second) steps++
        break
      case 'set':
        // The line does not contain the wall clock: only the count of steps shows the change.
        steps++
        break
      case 'measure':
        measured.push({ moment: moment(), truth })
        break
      case 'seal':
        sealed.push({ id: String(batches++), left: null, receipt: null })
        if (each.notBefore) evidence.push({ ...moment(Math.round), ...unbounded, earliest: truth - hour })
        break
      case 'upload': {
        const batch = sealed[0]
        if (batch === undefined) break
        batch.left ??= moment(Math.floor)
        pass(each.thereMs)
        batch.receipt ??= receivedAt = Math.floor(truth)
        pass(each.backMs)
        if (each.lost) break
        sealed.shift()
        const anchor: TimeAnchor = {
          batch: 'b' as TimeAnchor['batch'],
          at: batch.receipt,
          sent: written(batch.left),
          received: written(moment(Math.ceil)),
        }
        evidence.push(...anchorMoments(anchor))
        break
      }
      default:
        each satisfies never
    }
  }
  return { evidence, measured, receivedAt }
}

function written({ monoMs, suspendedMs, steps }: Moment): TimeAnchor['received'] {
  return { monoMs, suspendedMs, stepCount: steps }
}

describe('the time of every measurement', () => {
  it('lies within what is stated, whatever the clock, the sleeps, the steps and the receipts', () => {
    let bounded = 0
    let total = 0
    const property = fc.property(boot, fc.boolean(), (one, synced) => {
      const { evidence, measured } = live(one)
      const line = tighten(evidence)
      for (const { moment, truth } of measured) {
        const bounds = boundsOn(line, moment)
        expect(bounds.earliest).toBeLessThanOrEqual(truth)
        expect(bounds.latest).toBeGreaterThanOrEqual(truth)
        const quality: ClockQuality = synced ? 'synced' : 'unknown'
        const { at, errorMs } = datedWithin(bounds, synced ? truth + 3 * second : 0, quality)
        total++
        if (errorMs === null) continue
        bounded++
        expect(Math.abs(at - truth)).toBeLessThanOrEqual(errorMs)
      }
    })
    fc.assert(property, { numRuns: cases(400, 20_000), seed })
    // Without this check, a method that never gives any bounds would pass.
    expect(bounded / total).toBeGreaterThan(0.2)
  })

  it('is the same in whatever order the evidence comes', () => {
    const property = fc.property(boot, fc.infiniteStream(fc.nat()), (one, order) => {
      const { evidence, measured } = live(one)
      const shuffled = evidence
        .map((each) => ({ each, key: order.next().value }))
        .sort((a, b) => a.key - b.key)
        .map(({ each }) => each)
      for (const { moment } of measured)
        expect(boundsOn(tighten(shuffled), moment)).toEqual(boundsOn(tighten(evidence), moment))
    })
    fc.assert(property, { numRuns: cases(100, 3_000), seed })
  })
})

describe('dating by one receipt', () => {
  const at = (monoMs: number, more: Partial<Moment> = {}): Moment => ({
    monoMs,
    suspendedMs: undefined,
    steps: 0,
    ...more,
  })
  const receipt = (sent: Moment, received: Moment, time = noon) =>
    tighten(
      anchorMoments({
        batch: 'b' as TimeAnchor['batch'],
        at: time,
        sent: written(sent),
        received: written(received),
      }),
    )

  it('is as exact as the exchange was short', () => {
    const line = receipt(at(1_000), at(1_400))
    const { at: when, errorMs } = datedWithin(boundsOn(line, at(1_200)), 0, 'unknown')
    expect(when).toBe(noon)
    // Half of 400 ms, and the errors of readings and rounding.
    expect(errorMs).toBeGreaterThan(200)
    expect(errorMs).toBeLessThan(500)
  })

  it('dates a month before it, with the drift of a month', () => {
    const month = 30 * 24 * hour
    const line = receipt(at(month), at(month + 400))
    const { at: when, errorMs } = datedWithin(boundsOn(line, at(0)), 0, 'unknown')
    expect(Math.abs(when - (noon - month))).toBeLessThan(second)
    expect(errorMs).toBeGreaterThan(month * maxDrift)
    expect(errorMs).toBeLessThan(month * maxDrift + 2 * second)
  })

  it('counts a sleep that the machine can tell', () => {
    const line = receipt(at(1_000), at(1_400))
    const later = boundsOn(line, at(2_400, { suspendedMs: 8 * hour, steps: 1 }))
    expect(datedWithin(later, 0, 'unknown').at - (noon + 8 * hour + 1_200)).toBeLessThan(second)
  })

  it('leaves room for a nap too short for the machine to tell', () => {
    const line = receipt(at(1_000), at(1_000))
    expect(boundsOn(line, at(1_001)).latest).toBeGreaterThanOrEqual(noon + 1 + 109)
  })

  it('says nothing behind a step that nobody can explain, but that it came later', () => {
    const line = receipt(at(1_000, { suspendedMs: null }), at(1_400, { suspendedMs: null }))
    const later = boundsOn(line, at(61_400, { suspendedMs: null, steps: 1 }))
    expect(later.latest).toBe(Number.POSITIVE_INFINITY)
    expect(later.earliest).toBeGreaterThan(noon + 55 * second)
    expect(datedWithin(later, 0, 'unknown')).toEqual({ at: Math.round(later.earliest), errorMs: null })
  })

  it('of a batch that may have left before gives one side only', () => {
    const line = tighten(
      anchorMoments({
        batch: 'b' as TimeAnchor['batch'],
        at: noon,
        sent: null,
        received: written(at(1_000)),
      }),
    )
    expect(boundsOn(line, at(1_000))).toMatchObject({ latest: Number.POSITIVE_INFINITY })
  })
})

describe('datedWithin()', () => {
  const bounds = { earliest: noon, latest: noon + 2 * hour }

  it.each([
    [
      'a clock that was set is believed within the bounds',
      bounds,
      noon + 5,
      'synced',
      noon + 5,
      2 * hour - 5,
    ],
    ['and no further than they go', bounds, noon - hour, 'synced', noon, 2 * hour],
    ['any other gives way to the middle', bounds, noon + 5, 'restored', noon + hour, hour],
    [
      'an open end leaves the error unknown',
      { ...bounds, latest: Infinity },
      noon + 9,
      'unknown',
      noon + 9,
      null,
    ],
    ['nor can anything be before what is certain', { ...bounds, latest: Infinity }, 0, 'unknown', noon, null],
    ['what contradicts itself says nothing', { earliest: 2, latest: 1 }, 7, 'synced', 7, null],
    ['without any evidence the clock stands as it is', unbounded, 7, 'receipt', 7, null],
  ] as const)('%s', (_, within, wallMs, clock, when, errorMs) => {
    expect(datedWithin(within, wallMs, clock)).toEqual({ at: when, errorMs })
  })
})

it('evidenceOf() takes the sealing as not after the receipt, and not before what the probe is sure of', () => {
  const time = {
    wall: 1,
    bootId: 'b',
    monoMs: 5_000,
    src: 'none' as const,
    uncMs: null,
    notBefore: noon - hour,
  }
  const [sealing, ...others] = evidenceOf('id', { time } as Parameters<typeof evidenceOf>[1], noon)
  expect(others).toEqual([])
  expect(sealing).toMatchObject({ batch: 'id', at: noon, moment: { monoMs: 5_000, steps: 0 } })
  expect(sealing?.moment.earliest).toBeLessThanOrEqual(noon - hour)
  expect(sealing?.moment.latest).toBeGreaterThanOrEqual(noon)
})
