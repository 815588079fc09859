// One recording and its power cuts. This is the program inside: it runs alone in a mount and process namespace that
// power-lab.ts makes, as `run PLAN` with the plan as JSON, and starts itself again as `write ...` for each life of the
// writer. Everything it mounts and attaches ends with the namespace, however it dies.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { seededChance } from '../support/sample-spool.ts'
import { collectorWriter } from './collector-writer.ts'
import { diskAfterCut, type Entry, instants, type Model, models, saidUntil } from './disk-log.ts'
import { diskName, FuseDisk, saidName } from './fuse-disk.ts'
import { listsWriter } from './lists-writer.ts'
import { sealingWriter, spoolWriter } from './spool-writer.ts'
import { carelessWriter, stateWriter } from './state-writer.ts'
import type { Writer } from './writer.ts'

const writers = {
  spool: spoolWriter,
  sealing: sealingWriter,
  collector: collectorWriter,
  state: stateWriter,
  lists: listsWriter,
  careless: carelessWriter,
}

export interface Plan {
  readonly writer: keyof typeof writers
  /** An empty folder, for this run alone. */
  readonly folder: string
  /** Of ext4. */
  readonly mountOptions: string
  /** Each life is killed when it has said so many things; the next goes on with what it left. */
  readonly lives: readonly number[]
  /** Each after the first begins on the disk that a cut in the one before has left. */
  readonly rounds: number
  /** In each round. */
  readonly cuts: number
  readonly seed: number
}

export interface Cut {
  readonly model: Model
  /** How many entries of the log had happened. */
  readonly at: number
  readonly faults: readonly string[]
}

export interface Outcome {
  readonly cuts: readonly Cut[]
  readonly writes: number
  readonly flushes: number
  /** Lines the writer said. */
  readonly promises: number
  readonly tookMs: number
}

/** Room for a quota of 8 MiB several times over; small enough to be copied for each cut. */
const diskBytes = 32 * 1024 * 1024
/** A life that has little to say ends rather than fill the memory. */
const mostLogged = 400 * 1024 * 1024

const call = promisify(execFile)

const [, program = '', role, ...rest] = process.argv
if (role === 'run') await run(JSON.parse(rest[0] ?? ''))
if (role === 'write') await live(rest[0] as Plan['writer'], rest[1] ?? '', rest[2] ?? '', Number(rest[3]))

async function run(plan: Plan): Promise<never> {
  // Whoever started this holds the other end: when it dies, in whatever way, so does this, and all with it.
  process.stdin.on('end', () => process.exit(1)).resume()
  const { memory, fuse, mounted } = foldersIn(plan.folder)
  for (const each of [memory, fuse, mounted]) await mkdir(each)
  // Images live in memory, and are gone with the namespace.
  await call('mount', ['-t', 'tmpfs', '-o', 'mode=0700', 'sonde-power', memory])
  const began = Date.now()
  const cuts: Cut[] = []
  const logged: Entry[] = []
  const chance = seededChance(plan.seed)
  let base = await emptyDisk(plan.folder)
  let saidBefore: readonly unknown[] = []
  for (let round = 0; round < plan.rounds; round++) {
    const log = await record(plan, round, Buffer.from(base))
    cuts.push(...(await replay(plan, base, saidBefore, log, chance)))
    logged.push(...log)
    // The next round begins on what a cut has left, so that recovering from one is cut short by another.
    const [at = 0] = instants(log, 1, chance)
    base = diskAfterCut(base, log, at, 'torn', chance)
    saidBefore = [...saidBefore, ...saidUntil(log, at)]
  }
  const count = (kind: Entry['kind']) => logged.filter((entry) => entry.kind === kind).length
  const outcome: Outcome = {
    cuts,
    writes: count('write'),
    flushes: count('flush'),
    promises: saidUntil(logged, logged.length).length,
    tookMs: Date.now() - began,
  }
  writeSync(1, `${JSON.stringify(outcome)}\n`)
  process.exit(0)
}

/**
 * Side by side. A disk that is mounted within the file system that holds its own image would keep itself alive for
 * ever, were somebody outside to delete the folder: seen, and only a reboot freed the loop device.
 */
function foldersIn(folder: string) {
  return { memory: join(folder, 'memory'), fuse: join(folder, 'fuse'), mounted: join(folder, 'mounted') }
}

async function emptyDisk(folder: string): Promise<Buffer> {
  const image = join(foldersIn(folder).memory, 'empty')
  await writeFile(image, Buffer.alloc(diskBytes))
  await call('mkfs.ext4', ['-q', '-F', image])
  return await readFile(image)
}

async function record(plan: Plan, round: number, content: Buffer): Promise<Entry[]> {
  const { writer, folder, mountOptions, lives } = plan
  const { fuse, mounted } = foldersIn(folder)
  const disk = new FuseDisk(content)
  await disk.mount(fuse)
  const inside = await mountApart(join(fuse, diskName), mountOptions, mounted)
  writeSync(1, '{"event":"recording"}\n')
  for (const [i, words] of lives.entries()) {
    const life = round * lives.length + i
    const argv = [process.execPath, program, 'write', writer, mounted, join(fuse, saidName), `${life}`]
    const child = spawn('nsenter', [...inside.enter, ...argv], { stdio: ['ignore', 'ignore', 'inherit'] })
    const ended = once(child, 'close')
    const enough = disk.words + words
    const watch = setInterval(() => {
      if (disk.words >= enough || disk.loggedBytes > mostLogged) child.kill('SIGKILL')
    }, 5)
    const [, signal] = await ended
    clearInterval(watch)
    if (signal !== 'SIGKILL') throw new Error(`The writer ${writer} ended by itself`)
  }
  // What unmounting writes is not part of anything's life.
  const log = disk.log.slice()
  await inside.leave()
  await call('umount', [fuse])
  return log
}

/**
 * Mounts the disk in a namespace that this process is not in. Were it, then whoever kills it, or the part of it that
 * dies last, would have the kernel unmount the ext4 before it lets go of /dev/fuse: the file system's last flush then
 * waits for ever for the disk that the dying process was, in a sleep that no signal reaches. Killed between mounting
 * and the first writer, two of three recordings hung so.
 */
async function mountApart(disk: string, mountOptions: string, mounted: string) {
  // mount(8) attaches the loop device so that it lets go by itself with the last use of it.
  const script = 'mount -t ext4 -o "loop,$1" "$2" "$3" && echo mounted && exec sleep infinity'
  const argv = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', mountOptions, disk, mounted]
  const holder = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  const early = ended.then(() => Promise.reject(new Error(`Cannot mount ${disk} on ${mounted}`)))
  await Promise.race([once(holder.stdout, 'data'), early])
  const enter = ['--target', `${holder.pid}`, '--mount']
  return {
    /** Arguments of nsenter(1). */
    enter,
    async leave(): Promise<void> {
      await call('nsenter', [...enter, 'umount', mounted])
      holder.kill('SIGKILL')
      await ended
    },
  }
}

async function live(name: Plan['writer'], dir: string, saidPath: string, life: number): Promise<void> {
  const said = openSync(saidPath, 'a')
  await writers[name].write(dir, life, (word) => writeSync(said, `${JSON.stringify(word)}\n`))
}

async function replay(
  { writer, folder, mountOptions, cuts }: Plan,
  base: Buffer,
  saidBefore: readonly unknown[],
  log: readonly Entry[],
  chance: () => number,
): Promise<Cut[]> {
  const done: Cut[] = []
  for (const [i, at] of instants(log, cuts, chance).entries()) {
    // By twos: every other instant follows a word, and each model is to have both kinds.
    const model = models[Math.floor(i / 2) % models.length] ?? 'ordered'
    const image = diskAfterCut(base, log, at, model, chance)
    const said = [...saidBefore, ...saidUntil(log, at)]
    done.push({ model, at, faults: await findFaults(writers[writer], folder, mountOptions, image, said) })
  }
  return done
}

/** e2fsck(8) ends with 1 or 2 when it found faults and mended them. */
function unlessRepaired(error: { readonly code?: unknown }): void {
  if (error.code !== 1 && error.code !== 2) throw error
}

/** The power is back: the kernel mends its file system, the program starts again. */
async function findFaults(
  writer: Writer,
  folder: string,
  mountOptions: string,
  image: Buffer,
  said: readonly unknown[],
): Promise<string[]> {
  const { memory, mounted } = foldersIn(folder)
  const path = join(memory, 'cut')
  await writeFile(path, image)
  const mount = () => call('mount', ['-t', 'ext4', '-o', `loop,${mountOptions}`, path, mounted])
  try {
    // Where the superblock itself is torn, the kernel refuses, and what starts devices repairs before it mounts.
    await mount().catch(async () => {
      await call('e2fsck', ['-f', '-y', path]).catch(unlessRepaired)
      await mount()
    })
  } catch (error) {
    return [`cannot be mounted: ${error}`]
  }
  try {
    return await writer.check(mounted, said)
  } catch (error) {
    return [`the program does not start again: ${error instanceof Error ? error.stack : error}`]
  } finally {
    await call('umount', [mounted])
  }
}
