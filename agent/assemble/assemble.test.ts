// What a start leaves in the log, on real files: the state that the last agent left, and what became of its spool.

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sampleEntry } from '../../test/support/sample-spool.ts'
import { loadConfig } from '../config.ts'
import { machineClocks } from '../platform/clock.ts'
import { makeStateFolder } from '../platform/state-folder.ts'
import { assemble } from './assemble.ts'

/**
 * Runs an agent that measures nothing and puts `records` anomalies.
 * @returns What it logged.
 */
async function lived(state: string, records = 0) {
  const folder = makeStateFolder(state, {})
  const agent = await assemble({
    folder,
    config: loadConfig(null, {}),
    machine: machineClocks(),
    signal: new AbortController().signal,
    sleep: async () => {},
    terminal: null,
  })
  for (let i = 0; i < records; i++) await agent.spool.put(sampleEntry(`r${i}`, 'anomaly'))
  await agent.close()
  const log = join(folder.log, 'sonde.ndjson')
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  rmSync(log)
  return lines.map((line) => {
    const { time: _, message: __, ...rest } = JSON.parse(line)
    return rest
  })
}

const fresh = () => mkdtempSync(join(tmpdir(), 'sonde-assemble-'))
const opened = { level: 'info', code: 'S3001', records: 0, batches: 0, quarantined: 0, lost: 0 }

it('assemble() logs that a spool was made, and at the next start what waits in it', async () => {
  const state = fresh()
  expect(await lived(state, 2)).toEqual([{ level: 'info', code: 'S3103', why: 'new' }, opened])
  expect(await lived(state)).toEqual([{ ...opened, records: 2 }])
})

it('assemble() logs that the agent before was killed', async () => {
  const state = fresh()
  await lived(state)
  writeFileSync(join(state, 'lock'), '99999999\n')
  expect(await lived(state)).toEqual([{ level: 'info', code: 'S1003' }, opened])
  expect(await lived(state)).toEqual([opened])
})

it('assemble() warns of a control log that is gone, and says what was saved', async () => {
  const state = fresh()
  await lived(state, 3)
  rmSync(join(state, 'spool', 'control'), { recursive: true })
  expect(await lived(state)).toEqual([
    { level: 'warn', code: 'S3103', why: 'control_log_lost' },
    { level: 'info', code: 'S3104', records: 3 },
    { ...opened, records: 3 },
  ])
})

it.each([
  ['a damaged enrolment', 'enrolment.json', '{"url":"https://coll', 'S5102'],
  ['an enrolment that is a folder', 'enrolment.json', null, 'S5102'],
  ['a damaged key', 'device-key', '-----BEGIN PRIV', 'S5104'],
  ['a key that cannot be read', 'device-key', null, 'S5104'],
])(
  'assemble() measures and keeps all the same with %s: it used to end at each start',
  async (_, name, content, code) => {
    const state = fresh()
    await lived(state, 1)
    const path = join(state, name)
    rmSync(path, { force: true })
    if (content === null) mkdirSync(path)
    else writeFileSync(path, content)
    expect(await lived(state, 1)).toEqual([
      { level: 'error', code },
      { ...opened, records: 1 },
    ])
    rmSync(path, { recursive: true })
  },
)

it('assemble() begins no cycle in a state folder that another was mounted over: it used to write into both', async () => {
  const state = fresh()
  const folder = makeStateFolder(state, {})
  const agent = await assemble({
    ...{ folder, config: loadConfig(null, {}), machine: machineClocks(), terminal: null },
    signal: new AbortController().signal,
    sleep: async () => {},
  })
  renameSync(state, `${state}-hidden`)
  makeStateFolder(state, {})
  const other = '1234567 - -\n'
  writeFileSync(join(state, 'lock'), other)
  await expect(agent.cycle({ ...agent.list, entries: [] }, () => {})).rejects.toMatchObject({
    code: 'bad_state',
  })
  await agent.close()
  expect(readFileSync(join(state, 'lock'), 'utf8')).toBe(other)
})
