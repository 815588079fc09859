// A machine whose clocks the test moves: it boots without a clock, sleeps, gets its clock set by networks and people,
// and gets receipts.

import { describe, expect, it } from 'vitest'
import { boundsOn, datedWithin, evidenceOf, momentOf, tighten } from '../../tests-spec/data-formats/dating.ts'
import type { BatchId, Manifest } from '../../tests-spec/protocol/batch.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import { type MachineClocks, recordTime } from './clock.ts'
import type { ClockMemory } from './clock-memory.ts'
import type { LogCode } from './log.ts'
import { WatchedClock } from './watched-clock.ts'

const second = 1_000
const hour = 3_600 * second
const day = 24 * hour
const noon = Date.UTC(2018, 6, 29, 12)
const buildDateMs = Date.UTC(2018, 0, 1)

interface Machine extends MachineClocks {
  pass(ms: number): void
  sleep(ms: number): void
  set(byMs: number): void
  sync(): void
  /** Makes the next reading take this long, as when other processes have the processor in the middle of it. */
  stall(ms: number): void
  readonly trueMs: () => number
}

function machine(wallMs: number, tells: 'fine' | 'coarse' | 'blind' = 'fine'): Machine {
  let [truth, wall, mono, slept, stall] = [noon, wallMs, 5_000, 0, 0]
  let mark: number | null = null
  const pass = (ms: number) => {
    truth += ms
    wall += ms
    mono += ms
  }
  return {
    bootId: 'a boot',
    wallMs() {
      pass(stall)
      stall = 0
      return wall
    },
    monotonicMs: () => mono,
    boottime() {
      if (tells === 'blind') return null
      const ms = mono + slept
      return tells === 'fine'
        ? { ms: Math.floor(ms / 10) * 10, coarse: false }
        : { ms: Math.floor(ms / second) * second, coarse: true }
    },
    syncMark: () => mark,
    pass,
    sleep(ms) {
      truth += ms
      wall += ms
      slept += ms
    },
    set(byMs) {
      wall += byMs
    },
    sync() {
      wall = truth
      mark = (mark ?? 0) + 1
    },
    stall(ms) {
      stall = ms
    },
    trueMs: () => truth,
  }
}

function watched(on: Machine, memory: ClockMemory | null = null) {
  const codes: LogCode[] = []
  const remembered: ClockMemory[] = []
  const clock = new WatchedClock(on, {
    buildDateMs,
    memory,
    remember: (each) => void remembered.push(each),
    log: (_level, code) => void codes.push(code),
  })
  return { clock, codes, remembered }
}

const idOf = (name: string) => name as BatchId
const receipt = (batch: string, at: number) => ({ batch: idOf(batch), at }) as Receipt

/** Seals a batch, sends it over a link that takes 300 ms each way, and gets the receipt. */
function exchange(on: Machine, clock: WatchedClock, id: string): Manifest['time'] {
  const time = clock.evidence()
  clock.sealed(idOf(id), time)
  clock.leaving(idOf(id))
  on.pass(300)
  const at = on.trueMs()
  on.pass(300)
  clock.receipted(receipt(id, at))
  return time
}

describe('how far the clock can be believed', () => {
  it('unknown while nobody has ever told the time', () => {
    expect(watched(machine(noon)).clock.quality()).toBe('unknown')
  })

  it('restored when somebody had told it before this boot', () => {
    const memory = { notBeforeMs: noon - day, toldMs: noon - day }
    expect(watched(machine(noon - hour), memory).clock.quality()).toBe('restored')
  })

  it('a boot in 1970 is said, and the bound of what was known goes on', () => {
    const on = machine(10 * 60 * second)
    const { clock, codes } = watched(on, { notBeforeMs: noon - day, toldMs: noon - day })
    expect(codes).toEqual(['S6101'])
    expect(clock.quality()).toBe('restored')
    on.pass(hour)
    const { src, uncMs, notBefore } = clock.evidence()
    expect({ src, uncMs }).toEqual({ src: 'none', uncMs: null })
    expect(notBefore).toBeGreaterThan(noon - day + 0.999 * hour)
    expect(notBefore).toBeLessThanOrEqual(noon + hour)
  })

  it('no time is before the build, whatever the memory says', () => {
    const { clock, codes } = watched(machine(0), { notBeforeMs: 0, toldMs: null })
    expect(codes).toEqual(['S6101'])
    expect(clock.quality()).toBe('unknown')
    expect(clock.evidence().notBefore).toBeGreaterThan(buildDateMs - second)
  })

  it('synced once the network has told it', () => {
    const on = machine(0)
    const { clock, codes, remembered } = watched(on)
    on.sync()
    expect(clock.quality()).toBe('synced')
    // S6101 says that the clock jumped, S6103 that it is right now.
    expect(codes).toEqual(['S6101', 'S6103'])
    expect(remembered).toEqual([{ notBeforeMs: 0, toldMs: noon }])
    on.pass(90 * second)
    expect(clock.evidence()).toMatchObject({ src: 'ntp', uncMs: null, lastSyncAgeS: 90 })
  })

  it('synced no more after somebody set it, until the network tells it again', () => {
    const on = machine(noon)
    on.sync()
    const { clock } = watched(on)
    expect(clock.quality()).toBe('synced')
    on.set(10 * hour)
    expect(clock.quality()).not.toBe('synced')
    on.sync()
    expect(clock.quality()).toBe('synced')
  })

  it('a network that tells a time which the collector contradicts is not believed', () => {
    const on = machine(noon)
    const { clock, codes } = watched(on)
    exchange(on, clock, 'one')
    on.sync()
    on.set(3 * day)
    on.pass(second)
    // What a spoofed time server leaves behind: a jump, and the system's claim that it is synchronised.
    const mark = on.syncMark
    on.syncMark = () => (mark() ?? 0) + 1
    expect(clock.quality()).toBe('receipt')
    clock.quality()
    expect(codes.filter((code) => code === 'S6105')).toHaveLength(1)
  })
})

describe('what a receipt tells', () => {
  it('how wrong the clock is, for the rest of the boot', () => {
    const on = machine(0)
    const { clock, codes } = watched(on)
    exchange(on, clock, 'one')
    expect(codes).toEqual(['S6101', 'S6104'])
    expect(clock.quality()).toBe('receipt')
    on.pass(10 * day)
    const { src, uncMs } = clock.evidence()
    expect(src).toBe('receipt')
    expect(uncMs).toBeGreaterThanOrEqual(on.trueMs() - on.wallMs())
    expect(uncMs).toBeLessThan(on.trueMs() - on.wallMs() + 10 * day * 4e-4 + 2 * second)
  })

  it('goes into the next batch, and into no other', () => {
    const on = machine(0)
    const { clock } = watched(on)
    expect(exchange(on, clock, 'one').anchors).toBeUndefined()
    const second = exchange(on, clock, 'two')
    expect(second.anchors).toMatchObject([
      { batch: 'one', sent: { monoMs: 5_000 }, received: { monoMs: 5_600 } },
    ])
    expect(clock.evidence().anchors).toMatchObject([{ batch: 'two' }])
  })

  it('is worth a batch of its own once', () => {
    const on = machine(0)
    const { clock } = watched(on)
    expect(clock.owesEvidence()).toBe(false)
    exchange(on, clock, 'one')
    expect(clock.owesEvidence()).toBe(true)
    exchange(on, clock, 'two')
    expect(clock.owesEvidence()).toBe(false)
  })

  it('stays for the next when the disk refused the batch', () => {
    const on = machine(0)
    const { clock } = watched(on)
    exchange(on, clock, 'one')
    expect(clock.evidence().anchors).toHaveLength(1)
    expect(clock.evidence().anchors).toHaveLength(1)
  })

  it('is one-sided for a batch that another process sealed: it may have left before', () => {
    const on = machine(0)
    const { clock } = watched(on)
    clock.leaving(idOf('old'))
    on.pass(300)
    clock.receipted(receipt('old', noon - day))
    expect(clock.evidence().anchors).toMatchObject([{ batch: 'old', sent: null }])
    expect(clock.quality()).toBe('restored')
  })

  it('counts from the first time the batch left: a receipt may have been held back since then', () => {
    const on = machine(0)
    const { clock } = watched(on)
    clock.sealed(idOf('one'), clock.evidence())
    clock.leaving(idOf('one'))
    const at = on.trueMs() + 100
    on.pass(day)
    clock.leaving(idOf('one'))
    on.pass(300)
    clock.receipted(receipt('one', at))
    expect(clock.evidence().anchors?.[0]?.sent).toMatchObject({ monoMs: 5_000 })
    expect(clock.evidence().uncMs).toBeGreaterThan(day)
  })

  it('moves the bound that the next boot begins with, seldom', () => {
    const on = machine(0)
    const { clock, remembered } = watched(on)
    for (let cycle = 0; cycle < 96; cycle++) {
      exchange(on, clock, String(cycle))
      on.pass(15 * 60 * second)
    }
    expect(remembered.length).toBeGreaterThanOrEqual(4)
    expect(remembered.length).toBeLessThanOrEqual(5)
    expect(remembered.at(-1)?.notBeforeMs).toBeGreaterThan(noon + 17 * hour)
    expect(remembered.at(-1)?.notBeforeMs).toBeLessThanOrEqual(on.trueMs())
  })

  it('is kept to the newest few, as much as a manifest has room for', () => {
    const on = machine(0)
    const { clock } = watched(on)
    for (let n = 0; n < 30; n++) clock.sealed(idOf(String(n)), clock.evidence())
    for (let n = 0; n < 30; n++) {
      clock.leaving(idOf(String(n)))
      clock.receipted(receipt(String(n), on.trueMs()))
      on.pass(10)
    }
    expect(clock.evidence().anchors?.map(({ batch }) => batch)).toEqual([
      '22',
      '23',
      '24',
      '25',
      '26',
      '27',
      '28',
      '29',
    ])
  })

  it('gives way to a newer one that contradicts it: the collector has mended its clock', () => {
    const on = machine(0)
    const { clock } = watched(on)
    clock.sealed(idOf('wrong'), clock.evidence())
    clock.leaving(idOf('wrong'))
    clock.receipted(receipt('wrong', Date.UTC(2099, 0)))
    exchange(on, clock, 'right')
    const { notBefore, uncMs, wall } = clock.evidence()
    expect(notBefore).toBeLessThanOrEqual(on.trueMs())
    expect(wall + (uncMs ?? 0)).toBeGreaterThanOrEqual(on.trueMs())
    expect(wall + (uncMs ?? 0)).toBeLessThan(on.trueMs() + 2 * second)
  })
})

describe('steps', () => {
  it.each([
    ['forward', 10 * hour],
    ['back', -10 * hour],
    ['by a second and a half', 1_500],
  ])('set %s: counted, said, and told in the next batch', (_, byMs) => {
    const on = machine(noon)
    const { clock, codes } = watched(on)
    on.pass(hour)
    on.set(byMs)
    on.pass(second)
    expect(clock.steps()).toEqual({ count: 1, deltaMs: byMs })
    expect(codes).toEqual(['S6103'])
    const { steps, stepCount, monoMs } = clock.evidence()
    expect(steps).toEqual([{ monoMs, deltaMs: byMs, suspendedMs: 0 }])
    expect(stepCount).toBe(1)
  })

  it.each(['fine', 'coarse'] as const)('a sleep is told from a clock that was set (%s)', (tells) => {
    const on = machine(noon, tells)
    const { clock, codes } = watched(on)
    on.pass(hour)
    on.sleep(8 * hour)
    expect(clock.steps().count).toBe(1)
    expect(codes).toEqual(['S6102'])
    expect(recordTime(clock)).toMatchObject({ steps: 1, suspended_ms: expect.closeTo(8 * hour, -4) })
  })

  it('a machine that cannot tell says that it stepped, and that it does not know why', () => {
    const on = machine(noon, 'blind')
    const { clock, codes } = watched(on)
    expect(recordTime(clock)).toMatchObject({ suspended_ms: null })
    exchange(on, clock, 'one')
    expect(clock.quality()).toBe('receipt')
    on.sleep(8 * hour)
    expect(clock.evidence()).toMatchObject({
      stepCount: 1,
      steps: [{ suspendedMs: null, deltaMs: 8 * hour }],
      // The old receipt does not tell any more by how much the clock is off.
      src: 'none',
      uncMs: null,
    })
    expect(codes).toContain('S6103')
  })

  it('a sleep in which the clock was set as well is both', () => {
    const on = machine(noon)
    const { clock, codes } = watched(on)
    on.sleep(hour)
    on.set(-5 * hour)
    clock.quality()
    expect(codes).toEqual(['S6102', 'S6103'])
    expect(clock.evidence().steps).toMatchObject([
      { deltaMs: -4 * hour, suspendedMs: expect.closeTo(hour, -2) },
    ])
  })

  it('a machine that never slept says nothing of it', () => {
    const on = machine(noon)
    const { clock } = watched(on)
    for (let minute = 0; minute < 600; minute++) {
      on.pass(59_993)
      clock.quality()
    }
    expect(clock.steps().count).toBe(0)
    expect(recordTime(clock)).toEqual({
      wall_ms: on.wallMs(),
      boot: 'a boot',
      mono_ms: on.monotonicMs(),
      clock: 'unknown',
    })
  })

  it('a slow reading is no step', () => {
    const on = machine(noon)
    const { clock } = watched(on)
    on.stall(30 * second)
    clock.quality()
    expect(clock.steps().count).toBe(0)
  })

  it('a phone that sleeps all day keeps the newest steps, and counts them all', () => {
    const on = machine(noon)
    const { clock } = watched(on)
    for (let n = 0; n < 100; n++) {
      on.pass(second)
      on.sleep(60 * second)
      clock.quality()
    }
    expect(clock.evidence().stepCount).toBe(100)
    expect(clock.evidence().steps).toHaveLength(32)
  })
})

it.each(['fine', 'coarse'] as const)(
  'a boot in 1970 with sleeps and jumps is dated by the receipts of one evening (%s)',
  (tells) => {
    const on = machine(0, tells)
    const { clock } = watched(on)
    const records: { time: ReturnType<typeof recordTime>; truth: number }[] = []
    const evidence: ReturnType<typeof evidenceOf> = []
    for (let n = 0; n < 200; n++) {
      records.push({ time: recordTime(clock), truth: on.trueMs() })
      on.pass(hour)
      if (n % 7 === 0) on.sleep(n * 60 * second)
      if (n % 31 === 0) on.set((n % 2 === 0 ? 10 : -10) * hour)
    }
    for (const id of ['first', 'next']) {
      const time = exchange(on, clock, id)
      evidence.push(...evidenceOf(id, { time } as Manifest, on.trueMs()))
    }
    const line = tighten(evidence.map(({ moment }) => moment))
    for (const { time, truth } of records) {
      const { at, errorMs } = datedWithin(boundsOn(line, momentOf(time)), time.wall_ms, time.clock)
      expect(Math.abs(at - truth)).toBeLessThanOrEqual(errorMs ?? -1)
      // Bound for 200 hours awake and 60 asleep, at 200 ppm, and for the uncertainty of the machine's word of its
      // sleep.
      expect(errorMs).toBeLessThan(300 * hour * 2e-4 + 6 * second)
    }
  },
)
