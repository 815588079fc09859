// What is no file where the agent has its files: pipes, sockets, folders, links to devices, in every place of its state folder.
// Nothing of it holds the agent up, a signal ends it, and what is not in the way is kept and sent.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { agreed } from '../support/agreed.ts'
import {
  agentBundle,
  cleanEnvironment,
  type RunningCollector,
  runToEnd,
  sonde,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'

let internet: LoopbackInternet
let collector: RunningCollector
/** The folder of a device that is enrolled, with records and two batches that wait. */
let used: string
beforeAll(async () => {
  internet = await startLoopbackInternet()
  collector = await startCollector()
  used = temporaryFolder('used')
  const { code, err } = await sonde(['enrol', collector.url, await collector.token(), '--state', used])
  if (code !== 0) throw new Error(err)
  const enrolment = readFileSync(join(used, 'enrolment.json'))
  for (let n = 0; n < 2; n++) await sonde(['once', '--state', used, ...internet.agentArguments])
  const { port } = new URL(collector.url)
  await collector.stop()
  // With nothing behind the way, what is measured is sealed for a stick, and waits.
  await sonde(['once', '--state', used, ...internet.agentArguments])
  await sonde(['export', temporaryFolder('stick'), '--state', used])
  await sonde(['once', '--state', used, ...internet.agentArguments])
  await sonde(['export', temporaryFolder('stick'), '--state', used])
  await sonde(['once', '--state', used, ...internet.agentArguments])
  collector = await startCollector(collector.state, ['--port', port])
  writeFileSync(join(used, 'enrolment.json'), enrolment)
}, 120_000)
afterAll(async () => {
  internet.close()
  await collector.stop()
})

type Odd = 'pipe' | 'folder' | 'socket' | 'device'

async function put(what: Odd, path: string): Promise<void> {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(join(path, '..'), { recursive: true })
  if (what === 'pipe') execFileSync('mkfifo', [path])
  else if (what === 'folder') mkdirSync(join(path, 'in-it'), { recursive: true })
  else if (what === 'device') symlinkSync('/dev/zero', path)
  else {
    const server = createServer().listen(path)
    await once(server, 'listening')
    // The name stays, and nothing listens.
    renameSync(path, `${path}-s`)
    server.close()
    await once(server, 'close')
    renameSync(`${path}-s`, path)
  }
}

const nameIn = (state: string, folder: string, ending: string) => {
  const found = readdirSync(join(state, folder)).find((each) => each.endsWith(ending))
  if (found === undefined) throw new Error(`${folder} holds no ${ending}`)
  return join(folder, found)
}
const recordsOf = (state: string) => {
  const epochs = readdirSync(join(state, 'spool/records'))
  const epoch = epochs.find((each) => readdirSync(join(state, 'spool/records', each)).length > 0)
  return join('spool/records', epoch ?? '')
}

const places: readonly (readonly [string, (state: string) => string])[] = [
  ['a segment', (state) => nameIn(state, recordsOf(state), '.seg')],
  ['one more segment', (state) => join(recordsOf(state), 'a-0000000099.seg')],
  ['the control log', (state) => nameIn(state, 'spool/control', '.seg')],
  ['a batch', (state) => nameIn(state, 'spool/batches', '.psb')],
  ['one more batch', () => join('spool/batches', `0000000077-${'ab'.repeat(32)}.psb`)],
  ['a batch of another key', () => join('spool/kept', `0000000077-${'ab'.repeat(32)}.psb`)],
  ['a batch that was set aside', () => join('spool/quarantine', `0000000077-${'ab'.repeat(32)}.psb`)],
  ['a file under way', () => 'spool/batches/x.tmp'],
  ['something among the epochs', () => 'spool/records/x'],
  ['an epoch', () => `spool/records/${'ab'.repeat(9)}`],
  ['the reserve', () => 'spool/reserve'],
  ['the note of what is safe', () => 'spool/acknowledged'],
  ['status.json', () => 'status.json'],
  ['memory.json', () => 'memory.json'],
  ['upload.json', () => 'upload.json'],
  ['clock.json', () => 'clock.json'],
  ['recipient.json', () => 'recipient.json'],
  ['exports.json', () => 'exports.json'],
  ['a carried file', () => `carried/00000001-${'ab'.repeat(32)}.age`],
  ['an answer for a carried file', () => `carried/00000001-${'ab'.repeat(32)}.rcp`],
  ['the log', () => 'log/sonde.ndjson'],
  ['the lock', () => 'lock'],
  ['a status under way', () => 'status.json.tmp'],
  ['enrolment.json', () => 'enrolment.json'],
  ['the device key', () => 'device-key'],
]
const deep = process.env.SONDE_DEEP !== undefined
const oddIn = (place: string): readonly Odd[] => {
  if (deep) return ['pipe', 'folder', 'socket', 'device']
  return foldersToo.test(place) ? ['pipe', 'folder'] : ['pipe']
}
/** Where a folder was another matter than a pipe. */
const foldersToo = /^(a segment|a batch|a file under way|status.json|the lock|the note of what is safe)$/

/** What is measured is of no matter here: one target at which nothing listens. */
let brief: readonly string[]
beforeAll(() => {
  const folder = temporaryFolder('brief')
  const entry = { nettest: 'web_connectivity', input: internet.inputs.gone, category_code: 'MISC' }
  const list = { name: 'x', version: 1, entries: [entry], controls: [], resolvers: [] }
  writeFileSync(join(folder, 'list.json'), JSON.stringify(list))
  const config = {
    ...agreed,
    lab: true,
    test_list: join(folder, 'list.json'),
    repeat_after_seconds: 0,
    upload_spread_seconds: 0,
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  brief = ['--config', join(folder, 'config.json')]
})

interface Told {
  readonly code: number | null
  readonly lines: readonly string[]
}

/** Runs until a cycle is over, and is then told to end. */
async function oneCycle(state: string): Promise<Told> {
  const argv = [agentBundle, 'run', '--state', state, ...brief]
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: cleanEnvironment(),
  })
  const ended = once(child, 'exit')
  const lines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    if (line.includes('S2002')) child.kill('SIGTERM')
  })
  return { code: (await ended)[0], lines }
}

describe.concurrent.each(places)('in the place of %s', (place, where) => {
  it.concurrent.each(oddIn(place))(
    'a %s holds nothing up',
    async (what) => {
      const state = temporaryFolder('odd')
      cpSync(used, state, { recursive: true })
      rmSync(join(state, 'socket'), { force: true })
      const path = join(state, where(state))
      await put(what, path)
      const { code, lines } = await oneCycle(state)
      const said = lines.join('\n')
      expect(said).toContain('S2002')
      expect(said).not.toMatch(/a bug|TypeError/)
      // A folder that stands where the lock should be is for a person to remove; what cannot be kept is said.
      expect(code, said).toBe(0)
      // What was in a folder is still there, by that name or another.
      if (what === 'folder' && !path.endsWith('.tmp')) {
        const above = join(path, '..')
        const names = existsSync(above) ? readdirSync(above) : []
        expect(
          names.some((each) => existsSync(join(above, each, 'in-it'))),
          names.join(),
        ).toBe(true)
      }
      const isNeeded = place === 'the device key' || place === 'enrolment.json'
      if (isNeeded) return
      // All that was kept elsewhere has gone out.
      const status = await sonde(['status', '--json', '--state', state])
      const { spool } = JSON.parse(status.out)
      expect({ ...spool, said }).toMatchObject({ unsealed: 0, pending_batches: 0, health: 'ok' })
      if (place === 'status.json') expect(lstatSync(path).isFile()).toBe(true)
    },
    30_000,
  )
})

describe('a state folder that is exchanged during a cycle', () => {
  it('gets nothing: what was measured is in the old one', async () => {
    const state = temporaryFolder('exchanged')
    rmSync(state, { recursive: true })
    cpSync(used, state, { recursive: true })
    rmSync(join(state, 'socket'), { force: true })
    const argv = [agentBundle, 'once', internet.inputs.good, '--state', state, ...internet.agentArguments]
    const before = await collector.measurements()
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: cleanEnvironment(),
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
      // The spool is open: the cycle begins.
      if (!said.includes('S3001') || existsSync(`${state}-old`)) return
      renameSync(state, `${state}-old`)
      mkdirSync(state)
    })
    const [code] = await once(child, 'exit')
    expect([code, said]).toEqual([66, expect.stringContaining('S3904')])
    expect(readdirSync(state)).toEqual([])
    expect(before).toBeDefined()
    const { code: late } = await runToEnd(process.execPath, [
      agentBundle,
      ...['once', '--state', `${state}-old`, ...internet.agentArguments],
    ])
    expect(late).toBe(0)
  }, 60_000)
})
