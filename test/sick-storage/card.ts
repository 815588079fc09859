// A card that becomes sick and well again under an agent that runs. This is the program inside: it runs alone in a mount
// and process namespace, as `run PLAN` with the plan as JSON, and takes one command a line from its standard input. All
// that it mounts and attaches ends with it, however it dies.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { assemble } from '../../agent/assemble/assemble.ts'
import { loadConfig } from '../../agent/config.ts'
import { machineClocks } from '../../agent/platform/clock.ts'
import { openIdentity } from '../../agent/platform/identity.ts'
import { makeStateFolder } from '../../agent/platform/state-folder.ts'
import { WatchedClock } from '../../agent/platform/watched-clock.ts'
import { openSpool } from '../../agent/spool/spool.ts'
import { verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { openPayload } from '../../tests-spec/protocol/payload.ts'
import { diskName, FuseDisk } from '../power/fuse-disk.ts'
import { enrolmentDigest } from '../support/sample-spool.ts'

export interface Plan {
  /** An empty folder, for this run alone. */
  readonly folder: string
  /** `ext4` stands on a device that can be made to fail, without a journal, so that it goes on afterwards. */
  readonly kind: 'tmpfs' | 'ext4'
  /** Shell, with `$state`; `ext4` fails by itself. */
  readonly sicken: string
  readonly mend: string
  /** The agent's configuration. */
  readonly config: string
  /** The built agent, for its command `status`. */
  readonly bundle: string
}

/** What one cycle came to. */
export interface Cycled {
  readonly measurements: number
  readonly bugs: number
  readonly unsealed: number
  readonly lost: number
  readonly health: string
}

/** What a start of its own came to, for one cycle. */
export interface Started {
  readonly code: number
  readonly measurements: number
  readonly err: string
}

/** What the spool holds in the end. */
export interface Found {
  /** Of every record, in order. */
  readonly numbers: readonly number[]
  /** Starts of the cycles they are of, each once. */
  readonly cycles: readonly string[]
  readonly lost: number
}

const call = promisify(execFile)
const say = (word: object) => process.stdout.write(`${JSON.stringify(word)}\n`)

const [, program = '', role, argument = '', more = ''] = process.argv
if (role === 'run') await run(JSON.parse(argument))
if (role === 'agent') await liveOn(argument, more)
if (role === 'read') say(await read(argument))

async function run(plan: Plan): Promise<void> {
  const state = join(plan.folder, 'state')
  await mkdir(state)
  const { enter, fail, leave } =
    plan.kind === 'tmpfs' ? await mountTmpfs(state) : await mountExt4(plan.folder, state)
  const inside = (argv: readonly string[]) => call('nsenter', [...enter, ...argv], { maxBuffer: 1 << 26 })
  const shell = (script: string) => inside(['sh', '-c', `state=$1; ${script}`, 'sh', state])
  const agent = spawn('nsenter', [...enter, process.execPath, program, 'agent', state, plan.config], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  createInterface({ input: agent.stderr }).on('line', (line) => say({ said: line }))
  const lines = createInterface({ input: agent.stdout })
  const ended = once(agent, 'close')
  void ended.then(([code]) => say({ ended: code }))
  const commands: Readonly<Record<string, () => Promise<unknown>>> = {
    async sicken() {
      fail(true)
      await shell(plan.sicken)
    },
    async mend() {
      fail(false)
      await shell(plan.mend)
    },
    async cycle() {
      agent.stdin.write('cycle\n')
      const [line] = await Promise.race([once(lines, 'line'), ended])
      return JSON.parse(String(line))
    },
    async stop() {
      agent.stdin.end()
      await ended
    },
    async status() {
      const asked = inside([process.execPath, plan.bundle, 'status', '--json', '--state', state])
      // It ends with a code of its own where the lock does not tell that this program is an agent.
      const { stdout } = await asked.catch((error) => error)
      return JSON.parse(stdout)
    },
    once: () =>
      inside([
        process.execPath,
        plan.bundle,
        'once',
        '--json',
        '--state',
        state,
        '--config',
        plan.config,
      ]).then(
        ({ stdout }) => ({ code: 0, measurements: stdout.trim().split('\n').length, err: '' }),
        ({ code, stderr }) => ({ code, measurements: 0, err: stderr }),
      ),
    read: async () => JSON.parse((await inside([process.execPath, program, 'read', state])).stdout),
  }
  // Whoever started this holds the other end: when it dies, so does this, and all with it.
  for await (const command of createInterface({ input: process.stdin })) {
    say({ done: command, answer: (await commands[command]?.()) ?? null })
  }
  agent.kill('SIGKILL')
  await ended
  await leave()
  process.exit(0)
}

interface Card {
  /** Arguments of nsenter(1). */
  readonly enter: readonly string[]
  fail(failing: boolean): void
  /** Unmounts while the disk is still served. */
  leave(): Promise<void>
}

async function mountTmpfs(state: string): Promise<Card> {
  const { enter, letGo } = await mountApart('mount -t tmpfs -o size=8m,nr_inodes=400 sonde-card "$1"', [
    state,
  ])
  return { enter, fail() {}, leave: letGo }
}

async function mountExt4(folder: string, state: string): Promise<Card> {
  const [fuse, image] = [join(folder, 'fuse'), join(folder, 'image')]
  await mkdir(fuse)
  await writeFile(image, Buffer.alloc(24 * 1024 * 1024))
  await call('mkfs.ext4', ['-q', '-F', '-O', '^has_journal', image])
  const disk = new FuseDisk(await readFile(image))
  await disk.mount(fuse)
  const mount = 'mount -t ext4 -o loop,errors=remount-ro "$1" "$2"'
  const { enter, letGo } = await mountApart(mount, [join(fuse, diskName), state])
  return {
    enter,
    fail(failing) {
      disk.failing = failing
    },
    async leave() {
      disk.failing = false
      await call('nsenter', [...enter, 'umount', state])
      // The other namespace has the FUSE mount too, and while it does, whoever serves it waits for questions.
      await letGo()
      await call('umount', [fuse])
    },
  }
}

/** In a namespace that this process is not in: see recording.ts for why whoever serves a disk must not use it. */
async function mountApart(script: string, rest: readonly string[]) {
  const argv = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    `${script} && echo mounted && exec sleep infinity`,
  ]
  const holder = spawn('unshare', [...argv, 'sh', ...rest], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  const early = ended.then(() => Promise.reject(new Error('Cannot mount the card')))
  // It ends in any case, in the end.
  early.catch(() => {})
  await Promise.race([once(holder.stdout, 'data'), early])
  return {
    enter: ['--target', `${holder.pid}`, '--mount'],
    async letGo() {
      holder.kill('SIGKILL')
      await ended
    },
  }
}

/** The agent as it runs for months, with cycles on command instead of by the clock. */
async function liveOn(state: string, config: string): Promise<void> {
  const agent = await assemble({
    folder: makeStateFolder(state, {}),
    config: loadConfig(config, {}),
    machine: machineClocks(),
    signal: new AbortController().signal,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    terminal: (line) => process.stderr.write(`${line}\n`),
  })
  for await (const _ of createInterface({ input: process.stdin })) {
    const report = await agent.cycle(agent.list, () => {})
    await agent.report(report, null)
    const { unsealed, lost, health } = agent.spool.stats()
    say({ measurements: report.measurements, bugs: report.bugs, unsealed, lost, health })
  }
  await agent.close()
}

/** Opens the spool as the next start of the agent would, and looks into every batch. */
async function read(state: string): Promise<Found> {
  const { device, privateKey, publicKey } = await openIdentity(join(state, 'device-key'))
  const clock = new WatchedClock(machineClocks(), { buildDateMs: 0, memory: null, remember() {}, log() {} })
  const spool = await openSpool({
    dir: join(state, 'spool'),
    clock,
    device,
    privateKey,
    quotaBytes: 32_000_000,
    agentVersion: 'test',
    lists: () => ({}),
  })
  while ((await spool.seal('manual', enrolmentDigest)) !== null);
  const records: { n: number; measurement: { test_start_time: string } }[] = []
  for (const { id } of spool.pending()) {
    const bytes = await spool.read(id)
    const { manifest, payload } = verifyBatch(bytes, (key) => (key === device ? publicKey : null))
    const opened = openPayload(manifest.payload, payload)
    if (opened.kind !== 'opened') throw new Error(opened.problem)
    const lines = opened.raw.toString('utf8').split('\n')
    records.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line)))
  }
  const { lost } = spool.stats()
  await spool.close()
  const cycles = new Set(records.map(({ measurement }) => measurement.test_start_time))
  return { numbers: records.map(({ n }) => n).sort((a, b) => a - b), cycles: [...cycles].sort(), lost }
}
