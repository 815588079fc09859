// Whether an agent lives: tested with real processes, and with the files that an agent left behind.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { link } from '../../test/support/observations.ts'
import { type AgentState, agentState } from './agent-state.ts'
import type { Status } from './status.ts'

const now = Date.parse('2018-07-29T20:00:00Z')
const hour = 3_600_000
const boot = 'b007b007b007b007'
const lock = join(mkdtempSync(join(tmpdir(), 'sonde-agent-state-')), 'lock')
let agent: ChildProcess
let pid: number
beforeAll(async () => {
  // The name on the command line tells an agent from another program that has its process number.
  agent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")', 'sonde'])
  if (agent.stdout !== null) await once(agent.stdout, 'data')
  pid = agent.pid ?? 0
})
afterAll(() => agent.kill('SIGKILL'))

const said = (by: number | null, nextCycleAt: number | null, boot_id: string | null = boot): Status => ({
  v: 1,
  version: '1.2.3',
  device: '0123456789abcdef0123456789abcdef',
  collector: null,
  written_at: now,
  clock: 'synced',
  list: { name: 'core', version: 1, entries: 33 },
  link: link('up'),
  last_cycle: { finished_at: now, measurements: 34, anomalies: 0, bugs: 0 },
  next_cycle_at: nextCycleAt,
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
  upload: null,
  log_lines_dropped: 0,
  ...(by !== null && { agent: { pid: by, boot_id } }),
})

/** Process numbers end far below this: no process has it. */
const dead = 99_999_999

const lives = (state: 'running' | 'stale') => (): AgentState => ({ state, pid })
const gone = (): AgentState => ({ state: 'not_running', pid: null })

type Row = [what: string, owner: () => number | null, said: () => Status | null, expected: () => AgentState]

it.each<Row>([
  ['holds the lock, and has finished no cycle', () => pid, () => null, lives('running')],
  ['holds the lock, and wrote the status', () => pid, () => said(pid, now + hour), lives('running')],
  ['holds the lock, and an older agent wrote', () => pid, () => said(null, now - 9 * hour), lives('running')],
  ['is late by less than an hour', () => pid, () => said(pid, now - hour), lives('running')],
  ['is late by more', () => pid, () => said(pid, now - hour - 1), lives('stale')],
  ['has no plan', () => pid, () => said(pid, null), lives('running')],
  ['came after one that was killed', () => pid, () => said(dead, now - 9 * hour), lives('running')],
  ['could not take the lock on a sick card', () => null, () => said(pid, now + hour), lives('running')],
  ['hides its boot', () => null, () => said(pid, now + hour, null), lives('running')],
  ['is gone, and its lock', () => null, () => said(dead, now + hour), gone],
  ['was killed, and left its lock', () => dead, () => said(dead, now + hour), gone],
  ['was of another boot, and its number is taken', () => pid, () => said(pid, now, 'another'), gone],
  [
    'was of another boot; another holds the lock',
    () => pid,
    () => said(dead, now, 'another'),
    lives('running'),
  ],
  ['never was', () => null, () => null, gone],
])('agentState() of one that %s', (_, owner, status, expected) => {
  const holder = owner()
  writeFileSync(lock, holder === null ? '' : `${holder}\n`)
  const before = readFileSync(lock)
  expect(agentState(lock, status(), now, boot)).toEqual(expected())
  expect(readFileSync(lock)).toEqual(before)
})

it('agentState() does not compare a boot that is hidden', () => {
  writeFileSync(lock, '')
  expect(agentState(lock, said(pid, null, 'another'), now, null)).toEqual({ state: 'running', pid })
})
