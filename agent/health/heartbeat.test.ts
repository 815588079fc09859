// A heartbeat stays within its bytes whatever there is to say, and a start knows how the run before ended.

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { maxHeartbeatBytes, readHeartbeat } from '../../tests-spec/data-formats/heartbeat.ts'
import { freeMegabytes, machineState } from '../platform/machine-state.ts'
import { heartbeatOf } from './heartbeat.ts'
import { noteStart } from './starts.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'sonde-heartbeat-'))

it('heartbeatOf() fits when everything is at its longest, and the newest codes stay', () => {
  const codes = Array.from({ length: 20 }, (_, n) => `S${4000 + n}`)
  const said = heartbeatOf({
    upMs: 10 * 365 * 86_400_000,
    starts: { boots: 99_999, starts: 999_999, before: 'stopped' },
    link: 'bundle_exhausted',
    rssBytes: 999e6,
    freeMb: 9_999_999,
    oldestMs: 10 * 365 * 86_400_000,
    memoryOnly: true,
    machine: { battery: 100, plugged: false, tempC: 100, undervoltage: false },
    codes,
  })
  expect(readHeartbeat(said)).toEqual(said)
  expect(JSON.stringify(said).length).toBeLessThanOrEqual(maxHeartbeatBytes)
  expect(said.codes.length).toBeGreaterThan(4)
  expect(said.codes.at(-1)).toBe('S4019')
})

it('noteStart() tells a stop from a kill, a power cut and an error, and counts boots and starts', async () => {
  const path = join(folder(), 'starts.json')
  const run = async (boot: string, how: 'stopped' | 'failed' | null) => {
    const starts = await noteStart(path, boot, true)
    if (how !== null) await starts.end(how)
    return [starts.boots, starts.starts, starts.before]
  }
  expect(await run('a', 'stopped')).toEqual([1, 1, 'first'])
  expect(await run('a', 'failed')).toEqual([1, 2, 'stopped'])
  expect(await run('a', null)).toEqual([1, 3, 'failed'])
  expect(await run('a', null)).toEqual([1, 4, 'killed'])
  expect(await run('b', null)).toEqual([2, 5, 'power'])
  writeFileSync(path, '{"v":1,"boot":"b","bo')
  expect(await noteStart(path, 'b', false)).toMatchObject({ boots: 1, starts: 1, before: 'unknown' })
})

it('noteStart() goes on where nothing can be written', async () => {
  expect(await noteStart(join(folder(), 'gone', 'starts.json'), 'a', true)).toMatchObject({ starts: 1 })
})

it('machineState() reads what /sys tells, and nothing of what it hides', () => {
  const sys = folder()
  expect(machineState(sys)).toEqual({})
  const write = (path: string, files: Readonly<Record<string, string>>) => {
    mkdirSync(join(sys, path), { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(sys, path, name), `${text}\n`)
  }
  write('class/power_supply/usb', { type: 'USB', online: '1' })
  write('class/power_supply/battery', { type: 'Battery', capacity: '57', status: 'Discharging' })
  write('class/thermal/thermal_zone0', { temp: '48312' })
  write('class/thermal/thermal_zone1', { temp: '-273000' })
  write('class/thermal/cooling_device0', { temp: '99000' })
  write('class/hwmon/hwmon1', { name: 'rpi_volt', in0_lcrit_alarm: '1' })
  expect(machineState(sys)).toEqual({ battery: 57, plugged: false, tempC: 48, undervoltage: true })
  write('class/power_supply/battery', { capacity: 'full?', status: 'Charging' })
  expect(machineState(sys)).toMatchObject({ plugged: true })
  expect(machineState(sys)).not.toHaveProperty('battery')
})

it('freeMegabytes() is null where nothing is', () => {
  expect(freeMegabytes(tmpdir())).toBeGreaterThan(0)
  expect(freeMegabytes(join(folder(), 'gone'))).toBeNull()
})
