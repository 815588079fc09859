// The loop on a clock that the test moves: no overlap, no double start, and no trust in the wall clock.

import { expect, it } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { link } from '../../test/support/observations.ts'
import { toldAt } from '../../test/support/told-at.ts'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
import { roundSchedule } from '../plan/round-schedule.ts'
import type { LogCode } from '../platform/log.ts'
import { Cuts } from './cuts.ts'
import type { CycleReport } from './cycle.ts'
import type { Delivery } from './deliver.ts'
import { type Loop, runLoop } from './loop.ts'
import { noneWaiting } from './waiting.ts'

const delivery = {
  kind: 'delivered',
  accepted: 0,
  rejected: 0,
  sent: 0,
  received: 0,
  reason: null,
  retryAfterMs: null,
} as const
const report: CycleReport = {
  memory: { link: link('up'), history: {}, controls: {}, waiting: noneWaiting, cuts: new Cuts() },
  measurements: 1,
  anomalies: 0,
  bugs: 0,
  changes: [],
  delivery,
}

const entries: readonly TestListEntry[] = [
  { nettest: 'web_connectivity', input: 'https://a.example/', category_code: 'NEWS' },
]

function harness(
  cycleMs: (n: number) => number,
  cycles: number,
  onSleep?: (clock: ReturnType<typeof fakeClock>) => void,
  first: Delivery = delivery,
  deliver: (untilNextMs: number, clock: ReturnType<typeof fakeClock>) => Delivery = () => delivery,
) {
  const clock = fakeClock(Date.parse('2018-07-29T17:30:00Z'))
  const stop = new AbortController()
  const starts: string[] = []
  const uploads: string[] = []
  const reported: (string | null)[] = []
  const time = () => new Date(clock.now()).toISOString().slice(11, 19)
  const lines: { code: LogCode; fields: object }[] = []
  const say = (code: LogCode, fields = {}) => void lines.push({ code, fields })
  const loop: Loop = {
    clock,
    log: { info: say, warn: say, error: say },
    planning: () => ({
      entries,
      rounds: roundSchedule(cronSchedule('*/15 * * * *', 0, 'seed'), 1),
      campaigns: [],
      seed: 'seed',
      bursts: false,
    }),
    mayBurst: () => true,
    present: () => toldAt(clock.now()),
    signal: stop.signal,
    async cycle() {
      starts.push(time())
      clock.advance(cycleMs(starts.length))
      if (starts.length === cycles) stop.abort()
      return { ...report, delivery: first }
    },
    async deliver(untilNextMs) {
      uploads.push(time())
      return deliver(untilNextMs(), clock)
    },
    async onCycle(said) {
      reported.push(said.delivery.reason)
    },
    async sleep(ms) {
      clock.advance(ms)
      onSleep?.(clock)
    },
  }
  return { loop, starts, lines, clock, uploads, reported }
}

const skipped = (lines: readonly { code: LogCode }[]) => lines.filter(({ code }) => code === 'S2003').length

it('runLoop() starts at once and then on the schedule', async () => {
  const { loop, starts, lines } = harness(() => 60_000, 4)
  await runLoop(loop)
  expect(starts).toEqual(['17:30:00', '17:45:00', '18:00:00', '18:15:00'])
  expect(skipped(lines)).toBe(0)
})

it('runLoop() measures at once when that is ordered, once, and goes on with the schedule', async () => {
  const { loop, starts, lines } = harness(() => 60_000, 4)
  let ordered = 0
  // The first upload brings the order.
  await runLoop({ ...loop, isOrdered: () => starts.length === 1 && ordered++ === 0 })
  expect(starts).toEqual(['17:30:00', '17:31:00', '17:45:00', '18:00:00'])
  expect(skipped(lines)).toBe(0)
})

it('runLoop() skips a start that falls into a long cycle, and says so', async () => {
  const { loop, starts, lines } = harness((n) => (n === 1 ? 20 * 60_000 : 1000), 3)
  await runLoop(loop)
  expect(starts).toEqual(['17:30:00', '18:00:00', '18:15:00'])
  expect(skipped(lines)).toBe(1)
})

it('runLoop() says of each cycle how much it was and how long it took, and that it cost a start after that', async () => {
  const { loop, lines } = harness((n) => (n === 1 ? 20 * 60_000 : 1_400), 2)
  await runLoop(loop)
  const same = {
    measurements: 1,
    anomalies: 0,
    bugs: 0,
    link: 'up',
    upload: 'delivered',
    batches: 0,
    sent: 0,
    received: 0,
  }
  expect(lines).toEqual([
    { code: 'S2002', fields: { ...same, seconds: 1_200 } },
    { code: 'S2003', fields: {} },
    { code: 'S2002', fields: { ...same, seconds: 1 } },
  ])
})

it('runLoop() goes on within a slot when the clock is set back ten hours', async () => {
  let jumped = false
  const { loop, starts } = harness(
    () => 1000,
    2,
    (clock) => {
      if (!jumped) clock.setWall(clock.now() - 10 * 3_600_000)
      jumped = true
    },
  )
  await runLoop(loop)
  expect(starts).toEqual(['17:30:00', '07:45:00'])
})

it.each([
  ['ten hours back', -36_000_000, '07:45:00'],
  ['ten hours forward', 36_000_000, '03:45:00'],
])('runLoop() skips nothing when the clock is set %s in the middle of a cycle', async (_, byMs, next) => {
  const { loop, starts, lines } = harness((n) => {
    if (n === 1) clockOf().setWall(clockOf().now() + byMs)
    return 1000
  }, 2)
  const clockOf = () => loop.clock as ReturnType<typeof fakeClock>
  await runLoop(loop)
  expect(starts).toEqual(['17:30:00', next])
  expect(skipped(lines)).toBe(0)
})

it.each([
  ['1970', 0, ['00:00:00', '00:15:00', '00:30:00']],
  ['the end of 32 bits', Date.UTC(2038, 0, 19, 3, 14, 0), ['03:14:00', '03:15:00', '03:30:00']],
])('runLoop() keeps its schedule in %s', async (_, wallMs, expected) => {
  const { loop, starts, clock } = harness(() => 1000, 3)
  clock.setWall(wallMs)
  await runLoop(loop)
  expect(starts).toEqual(expected)
})

it('runLoop() starts at once when the machine slept through a start', async () => {
  let slept = false
  const { loop, starts } = harness(
    () => 1000,
    2,
    (clock) => {
      if (!slept) clock.setWall(clock.now() + 3 * 3_600_000 + 7 * 60_000)
      slept = true
    },
  )
  await runLoop(loop)
  expect(starts[1]).toBe('20:38:01')
})

const putOff = (retryAfterMs: number | null, reason = 'stalled'): Delivery => ({
  ...delivery,
  kind: 'deferred',
  reason,
  retryAfterMs,
})

it('runLoop() uploads again between cycles, when it is due, until it is done', async () => {
  const answers = [putOff(300_000, 'busy'), delivery]
  const { loop, starts, uploads, reported } = harness(
    () => 60_000,
    2,
    undefined,
    putOff(2_000),
    () => answers.shift() ?? delivery,
  )
  await runLoop(loop)
  expect(uploads).toEqual(['17:31:02', '17:36:02'])
  expect(starts).toEqual(['17:30:00', '17:45:00'])
  expect(reported).toEqual(['stalled', 'busy', null, 'stalled'])
})

it('runLoop() gives an upload the time until shortly before the next start, and starts on time whatever it does', async () => {
  const { loop, starts, lines } = harness(
    () => 60_000,
    3,
    undefined,
    putOff(2_000),
    (untilNextMs, clock) => {
      expect(untilNextMs).toBeGreaterThan(0)
      clock.advance(untilNextMs)
      return putOff(0, 'interrupted')
    },
  )
  await runLoop(loop)
  expect(starts).toEqual(['17:30:00', '17:45:00', '18:00:00'])
  expect(skipped(lines)).toBe(0)
})

it.each([
  ['nobody says when', putOff(null)],
  ['it is due after the next start', putOff(3_600_000)],
  ['nothing waits', delivery],
])('runLoop() does not upload between cycles when %s', async (_, first) => {
  const { loop, uploads } = harness(() => 60_000, 3, undefined, first)
  await runLoop(loop)
  expect(uploads).toEqual([])
})
