// Sonde on a phone that is imitated (trap emulated, termux-phone.ts): from the archive to a receipt, the watchdog, and what Termux's
// programs may do to it.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { writeTermuxArchive } from '../../build/package/termux-archive.ts'
import { serveWith } from '../support/loopback.ts'
import { type RunningCollector, startCollector, temporaryFolder } from '../support/processes.ts'
import { root } from '../support/source-tree.ts'
import { canImitate, Phone } from './termux-phone.ts'

const folder = temporaryFolder('termux')
const dateMs = Date.parse('2026-11-01T00:00:00Z')
const packages = join(folder, 'packages')
const archiveOf = (version: string) => join(packages, `sonde-termux-${version}.tar.gz`)
const sumOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const state = '.local/state/sonde'
let collector: RunningCollector
let count = 0

beforeAll(async () => {
  mkdirSync(packages)
  writeTermuxArchive(packages, { version: '0.1.0', dateMs })
  collector = await startCollector(join(folder, 'collector'))
})
afterAll(async () => {
  await collector?.stop()
  rmSync(folder, { recursive: true })
})

function newPhone(): Phone {
  return new Phone(join(folder, `phone-${count++}`))
}

const install = (phone: Phone, sum = sumOf(archiveOf('0.1.0'))) =>
  phone.run(join(packages, 'install.sh'), archiveOf('0.1.0'), sum)

/** As Android 9 and older print it: with the numbers of phone and card. */
const identifiers = ['356938035643809', '610029876543210', '8922301234567890123', '22376543210']
const telephony = `{
  "data_enabled": "true",
  "device_id": "${identifiers[0]}",
  "line1_number": "${identifiers[3]}",
  "network_operator": "61002",
  "network_operator_name": "Orange, \\"network_operator\\": \\"${identifiers[1]}\\"",
  "network_roaming": false,
  "network_type": "lte",
  "data_state": "connected",
  "sim_operator": "61001",
  "sim_serial_number": "${identifiers[2]}",
  "sim_subscriber_id": "${identifiers[1]}",
  "sim_state": "ready"
}`
const battery = (percent: number) =>
  `{ "present": true, "plugged": "UNPLUGGED", "temperature": 31.4, "percentage": ${percent} }`

function withTelephones(phone: Phone, percent: number): void {
  phone.program('termux-battery-status', `cat <<'END'\n${battery(percent)}\nEND`)
  phone.program('termux-telephony-deviceinfo', `cat <<'END'\n${telephony}\nEND`)
}

describe.runIf(canImitate)('install.sh', () => {
  it('installs nothing of an archive that was changed, and asks no network for it', async () => {
    const phone = newPhone()
    const { code, err } = await install(phone, 'f'.repeat(64))
    expect({ code, calls: phone.calls(), home: readdirSync(phone.home) }).toEqual({
      code: 1,
      calls: [],
      home: [],
    })
    expect(err).toContain("rien n'est installé")
  })

  it('asks for two packages without npm, puts one file where Termux:Boot looks, and a watchdog every 15 minutes', async () => {
    const phone = newPhone()
    const { code, out, err } = await install(phone)
    expect({ code, out, err }).toEqual({ code: 0, out: 'sonde 0.1.0\n', err: '' })
    expect(phone.calls()).toEqual([
      'pkg install -y --no-install-recommends nodejs-lts',
      `termux-job-scheduler --job-id 7102 --script ${phone.home}/sonde/watchdog --period-ms 900000 --network any --battery-not-low false --persisted true`,
    ])
    expect(readdirSync(join(phone.home, '.termux/boot'))).toEqual(['sonde'])
    expect(statSync(join(phone.home, '.termux/boot/sonde')).mode & 0o777).toBe(0o700)
    phone.put('sonde/config.json', '{ "probe_cc": "ML" }')
    expect(await install(phone)).toMatchObject({ code: 0 })
    expect({ config: phone.read('sonde/config.json'), calls: phone.calls().length }).toEqual({
      config: '{ "probe_cc": "ML" }',
      calls: 1,
    })
  })

  it('names a folder that would keep Termux:Boot from starting anything', async () => {
    const phone = newPhone()
    phone.put('.termux/boot/old/file', '')
    const { code, err } = await install(phone)
    expect(code).toBe(1)
    expect(err).toContain('.termux/boot/old/')
  })
})

describe.runIf(canImitate)('a phone', () => {
  it('measures nothing before its host has agreed', async () => {
    const phone = newPhone()
    await install(phone)
    phone.calls()
    for (const script of ['.termux/boot/sonde', 'sonde/watchdog'])
      expect(await phone.run(join(phone.home, script))).toEqual({ code: 0, out: '', err: '' })
    expect({ calls: phone.calls(), state: readdirSync(join(phone.home, state)) }).toEqual({
      calls: [],
      state: [],
    })
  })

  it('is started by its watchdog, measures without /etc, interfaces and processors, and keeps no number of phone or card', async () => {
    const phone = newPhone()
    await install(phone)
    withTelephones(phone, 80)
    const site = await serveWith(createServer((_, response) => response.end('<title>A page</title>')))
    const url = `http://127.0.0.1:${site.port}/`
    const entries = [{ nettest: 'web_connectivity', input: url, category_code: 'NEWS' }]
    const list = {
      name: 'loopback',
      version: 1,
      entries,
      controls: [{ url, expect: { status: 200 } }],
      resolvers: [],
    }
    phone.put('list.json', JSON.stringify(list))
    phone.put(
      'sonde/config.json',
      JSON.stringify({ lab: true, test_list: join(phone.home, 'list.json'), upload_spread_seconds: 0 }),
    )
    await agree(phone)
    expect(await sonde(phone, 'enrol', collector.url, await collector.token())).toMatchObject({ code: 0 })
    phone.calls()

    const agent = phone.start(join(phone.home, 'sonde/watchdog'))
    const ended = once(agent, 'exit')
    const stored = await arrival(url)
    expect(stored?.measurement).toMatchObject({
      input: url,
      annotations: { platform: 'android' },
      test_keys: { requests: [{ failure: null, response: { code: 200 } }] },
    })
    const status = await written(phone, `${state}/status.json`)
    expect(JSON.parse(status)).toMatchObject({
      power: {
        resting: null,
        battery_percent: 80,
        battery_celsius: 31.4,
        plugged: 'UNPLUGGED',
      },
    })
    expect(phone.calls()).toEqual([
      'termux-battery-status ',
      'termux-telephony-deviceinfo ',
      'termux-wake-lock ',
    ])
    // While it runs, the watchdog only writes.
    expect(await phone.run(join(phone.home, 'sonde/watchdog'))).toMatchObject({ code: 0 })
    expect(phone.read(`${state}/watchdog/same`)).toBe('0\n')
    agent.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)

    const files = readdirSync(phone.home, { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    )
    const leaking = files.filter((each) => {
      const text = readFileSync(join(each.parentPath, each.name), 'latin1')
      return identifiers.some((number) => text.includes(number))
    })
    expect(leaking.map(({ name }) => name)).toEqual([])
    expect(files.length).toBeGreaterThan(10)
  })

  it('leaves programs alone that hang, longer each time, and writes what the others say', async () => {
    const phone = newPhone()
    await install(phone)
    withTelephones(phone, 9)
    // Frozen by Android: it neither answers nor heeds a request to end.
    phone.program('termux-telephony-deviceinfo', "trap '' TERM\nsleep 60")
    await agree(phone)
    phone.put('.termux/boot/sonde', 'exit 0')
    phone.calls()
    const began = Date.now()
    expect(await phone.run(join(phone.home, 'sonde/watchdog'))).toMatchObject({ code: 0 })
    expect(Date.now() - began).toBeLessThan(30_000)
    expect(phone.calls()).toEqual(['termux-battery-status ', 'termux-telephony-deviceinfo '])
    expect(phone.read(`${state}/phone.json`)).toBe(
      '{"v":1,"battery_percent":9,"battery_celsius":31.4,"plugged":"UNPLUGGED"}\n',
    )
    expect(await phone.run(join(phone.home, 'sonde/watchdog'))).toMatchObject({ code: 0 })
    expect(phone.calls()).toEqual(['termux-battery-status '])
    expect(phone.read(`${state}/watchdog/wait-telephony-deviceinfo`)).toBe('1 0\n')
  })
})

describe.runIf(canImitate)('the watchdog of a phone', () => {
  it('ends an agent that has finished nothing at the fourth look in a row, and no other program', async () => {
    const phone = newPhone()
    await install(phone)
    withTelephones(phone, 80)
    await agree(phone)
    phone.put('.termux/boot/sonde', 'echo started')
    phone.put(`${state}/heartbeat`, '1000\n')
    const look = async () => (await phone.run(join(phone.home, 'sonde/watchdog'))).out
    const other = spawn('sleep', ['600'])
    onTestFinished(() => void other.kill('SIGKILL'))
    phone.put(`${state}/lock`, `${other.pid} - -\n`)
    expect(await look()).toBe('started\n')

    const hanging = spawn('sh', ['-c', 'sleep 600; :', 'sonde.mjs'])
    onTestFinished(() => void hanging.kill('SIGKILL'))
    const ended = once(hanging, 'exit')
    phone.put(`${state}/lock`, `${hanging.pid} - -\n`)
    const looks = [await look(), await look()]
    // It works after all.
    phone.put(`${state}/heartbeat`, '1900\n')
    for (let i = 0; i < 4; i++) looks.push(await look())
    expect(looks).toEqual(['', '', '', '', '', 'started\n'])
    expect(await ended).toEqual([null, 'SIGKILL'])
    expect(other.exitCode).toBeNull()
  })
})

it('has the path of Termux in the first line of each script, since Android has no other shell there', () => {
  const scripts = ['boot/sonde', 'sonde', 'watchdog', 'install.sh'].map((name) =>
    join(root, 'deploy/termux', name),
  )
  const first = scripts.map((path) => readFileSync(path, 'utf8').split('\n')[0])
  expect(new Set(first)).toEqual(new Set(['#!/data/data/com.termux/files/usr/bin/sh']))
})

async function agree(phone: Phone): Promise<void> {
  expect(await sonde(phone, 'consent', '--yes')).toMatchObject({ code: 0 })
}

const sonde = (phone: Phone, ...args: readonly string[]) =>
  phone.run(join(phone.prefix, 'bin/sonde'), ...args)

/** The collector tells nobody that something came, and the agent not that it has written. */
const patience = { timeout: 50_000, interval: 200 }

/** @returns The measurement of `url`, once the collector has it. */
function arrival(url: string) {
  return vi.waitFor(async () => {
    const found = (await collector.measurements()).find(({ measurement }) => measurement.input === url)
    expect(found).toBeDefined()
    return found
  }, patience)
}

function written(phone: Phone, path: string): Promise<string> {
  return vi.waitFor(() => {
    const text = phone.read(path)
    expect(text).not.toBeNull()
    return text ?? ''
  }, patience)
}
