// What is read of a phone's file, and above all what is not. No phone was at hand: files in a
// folder (trap emulated).

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readPower } from './power.ts'

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-power-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

function read(text: string, ageMs = 0) {
  const path = join(place(), 'phone.json')
  writeFileSync(path, text)
  const now = Date.now()
  utimesSync(path, now / 1000, now / 1000)
  return readPower(path, now + ageMs)
}

const unknown = {
  battery_percent: null,
  battery_celsius: null,
  plugged: null,
}
const said = {
  v: 1,
  battery_percent: 14,
  battery_celsius: 31.5,
  plugged: 'UNPLUGGED',
  network_operator: '61002',
  network_roaming: false,
  sim_operator: '61002',
  sim_state: 'ready',
}

it('readPower() reads what the watchdog writes', () => {
  const { battery_percent, battery_celsius, plugged } = said
  expect(read(JSON.stringify(said))).toEqual({
    battery_percent,
    battery_celsius,
    plugged,
  })
})

it('readPower() drops all that it does not know, and takes what is of another form for unknown', () => {
  const identifiers = {
    device_id: '356938035643809',
    sim_subscriber_id: '610029999999999',
    sim_serial_number: '8922301',
  }
  const odd = {
    ...said,
    ...identifiers,
    network_operator: '610029999999999',
    sim_state: 'imei 35',
    battery_percent: 900,
  }
  const power = read(JSON.stringify(odd))
  expect(power).toMatchObject({ battery_percent: null })
  expect(JSON.stringify(power)).not.toMatch(/35693803|61002999|892230/)
})

it.each([
  ['is cut short', '{"v":1,"battery_per', 0],
  ['is no object', '[1]', 0],
  ['is of three hours ago', JSON.stringify(said), 3 * 3_600_000],
  ['is of three hours from now', JSON.stringify(said), -3 * 3_600_000],
])('readPower() knows nothing from a file that %s', (_, text, age) => {
  expect(read(text, age)).toEqual(unknown)
})

it('readPower() knows nothing where there is no such file, or none is named', () => {
  expect([readPower('/no/such/file', 0), readPower(null, 0)]).toEqual([unknown, unknown])
})
