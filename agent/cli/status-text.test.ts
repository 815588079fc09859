// `sonde status` in words: the state that matters first, and no line too wide for a phone.

import { expect, it } from 'vitest'
import { link } from '../../test/support/observations.ts'
import type { Status } from '../health/status.ts'
import { newcomerText, type Seen, statusText } from './status-text.ts'

const now = Date.parse('2018-07-29T20:00:00Z')
const calm: Status = {
  v: 1,
  version: '1.2.3',
  device: '0123456789abcdef0123456789abcdef',
  collector: 'https://collector.example',
  written_at: now,
  clock: 'synced',
  list: { name: 'core', version: 1, entries: 33 },
  link: { ...link('up'), since: '2018-07-29T00:00:00.000Z' },
  last_cycle: { finished_at: now - 60_000, measurements: 34, anomalies: 0, bugs: 0 },
  next_cycle_at: now + 14 * 60_000,
  spool: {
    unsealed: 0,
    pending_batches: 0,
    pending_bytes: 0,
    quarantined: 0,
    lost: 0,
    oldest_at: null,
    disk_bytes: 1000,
    health: 'ok',
  },
  upload: { kind: 'delivered', at: now, accepted: 1, reason: null },
  log_lines_dropped: 0,
}

const seen: Seen = { agent: { state: 'running', pid: 4321 }, unwritable: null, now }

it('statusText() is short when all is well', () => {
  expect(statusText(calm, seen).split('\n')).toEqual([
    'Agent running (pid 4321)',
    'Link up for 20 h 0 min',
    '  since 2018-07-29 00:00 UTC',
    'Cycle 60 s ago: 34 results, 0 anomalies',
    'Next cycle in 14 min',
    'Everything is uploaded',
    'Device 01234567, 1.2.3, list core 1',
    '',
  ])
})

it('statusText() tells of the whole list when the last cycle was a part of it', () => {
  const part = { ...calm.last_cycle, measurements: 13 }
  const text = statusText({ ...calm, last_cycle: part, anomalous: 5 }, seen)
  expect(text).toContain('Cycle 60 s ago: 13 results, 0 anomalies\nAt last look 5 of 33 fail\n')
  expect(statusText({ ...calm, anomalous: 0 }, seen)).toBe(statusText(calm, seen))
})

it('statusText() names every trouble', () => {
  const text = statusText(
    {
      ...calm,
      collector: null,
      clock: 'unknown',
      link: { ...link('down'), since: '2018-07-26T08:00:00.000Z' },
      last_cycle: { ...calm.last_cycle, bugs: 2 },
      spool: {
        ...calm.spool,
        unsealed: 12,
        pending_batches: 3,
        lost: 5,
        quarantined: 1,
        health: 'memory_only',
        oldest_at: now - 3_600_000,
      },
      upload: { kind: 'deferred', at: now - 120_000, accepted: 0, reason: 'unreachable' },
    },
    seen,
  )
  for (const words of [
    'LINK DOWN for 3 d 12 h',
    'since 2018-07-26 08:00 UTC',
    '12 results, 3 batches',
    'oldest 60 min ago',
    'DISK',
    '5 results lost',
    '1 batches refused',
    'Not enrolled',
    'put off 2 min ago',
    'unreachable',
    'Clock unknown',
    '2 nettests had bugs',
  ])
    expect(text).toContain(words)
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(40)
})

it('statusText() does not show a negative age when the clock was set back', () => {
  expect(statusText(calm, { ...seen, now: now - 3_600_000 })).not.toMatch(/ -\d/)
})

it('statusText() shows what was written since the start, and what that is in a day once an hour is over', () => {
  const writing = { ...calm.spool, written_bytes: 2_500_000, flushes: 75 }
  expect(statusText({ ...calm, spool: writing, started_at: now - 60_000 }, seen)).toContain(
    'Written: 2.5 MB, 75 flushes\n  since the agent started\n',
  )
  expect(statusText({ ...calm, spool: writing, started_at: now - 6 * 3_600_000 }, seen)).toContain(
    'Written: 2.5 MB, 75 flushes\n  since start; a day: 10.0 MB, 300\n',
  )
})

it('statusText() says when the log itself could not be written', () => {
  expect(statusText({ ...calm, log_lines_dropped: 7 }, seen)).toContain('7 log lines not written\n')
})

it('statusText() says first that the disk takes nothing, and how old the rest is', () => {
  const old = { ...calm, written_at: now - 3 * 3_600_000 }
  const lines = statusText(old, { ...seen, unwritable: 'read_only' }).split('\n')
  expect(lines.slice(0, 5)).toEqual([
    'DISK IS READ-ONLY',
    '  new results are in memory only',
    '  what follows is as of 3 h 0 min ago',
    'Agent running (pid 4321)',
    'Link up for 20 h 0 min',
  ])
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40)
  expect(statusText(calm, { ...seen, unwritable: 'full' })).toMatch(/^DISK IS FULL\n/)
})

it('statusText() tells an agent that is gone and one that is late from one that runs', () => {
  const old = { ...calm, written_at: now - 7_200_000, next_cycle_at: now - 6_300_000 }
  const gone = statusText(old, { ...seen, agent: { state: 'not_running', pid: null } })
  expect(gone).toMatch(/^AGENT NOT RUNNING\n {2}what follows is as of 2 h 0 min ago\nLink up/)
  expect(gone).not.toContain('Next cycle')
  const last = { ...calm.last_cycle, finished_at: now - 7_200_000 }
  const late = statusText({ ...old, last_cycle: last }, { ...seen, agent: { state: 'stale', pid: 4194304 } })
  expect(late).toMatch(
    /^AGENT LATE, but running \(pid 4194304\)\n {2}its last cycle was 2 h 0 min ago\nLink up/,
  )
  expect(late).toContain('\nNext cycle due for 1 h 45 min\n')
  for (const line of `${gone}${late}`.split('\n')) expect(line.length).toBeLessThanOrEqual(40)
})

it('newcomerText() says how to begin, or that it has begun', () => {
  expect(newcomerText({ state: 'not_running', pid: null })).toContain('sonde run')
  expect(newcomerText({ state: 'running', pid: 7 })).toBe('Agent running (pid 7)\nNo cycle finished yet\n')
})

it('does not say that everything is uploaded while batches are kept aside', () => {
  const text = statusText({ ...calm, spool: { ...calm.spool, quarantined: 2 } }, seen)
  expect(text).not.toContain('Everything is uploaded')
  expect(text).toContain('2 batches refused, kept (S4901)\n')
})
