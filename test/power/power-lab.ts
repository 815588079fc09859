// Where recordings run: a private mount and process namespace, so that nothing stays mounted or attached, however it
// ends, and nobody else's namespace can hold on to what is mounted here.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { nodeProgram } from '../support/node-program.ts'
import type { Outcome, Plan } from './recording.ts'

/** @returns Why no power can be cut on this machine, for a person to mend; null when it can. */
export function whyNoPower(): string | null {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (process.getuid?.() !== 0) return 'it needs root, to mount'
  for (const device of ['/dev/fuse', '/dev/loop-control']) {
    try {
      accessSync(device, constants.R_OK | constants.W_OK)
    } catch {
      return `it needs ${device}`
    }
  }
  for (const tool of ['mkfs.ext4', 'mount', 'unshare', 'nsenter']) {
    const folders = ['/sbin', '/usr/sbin', '/bin', '/usr/bin']
    if (!folders.some((folder) => existsSync(join(folder, tool))))
      return `it needs ${tool} (e2fsprogs, util-linux)`
  }
  try {
    execFileSync('unshare', [...unshareArguments, 'true'], { stdio: 'pipe', timeout: 10_000 })
    return null
  } catch (error) {
    return `it may not make namespaces: ${error instanceof Error ? error.message : error}`
  }
}

export const unshareArguments =
  '--mount --propagation private --pid --fork --kill-child=KILL --mount-proc'.split(' ')

export class PowerLab {
  /** All that is mounted and attached has it in its path. */
  readonly folder: string
  readonly #program: string

  private constructor(folder: string) {
    this.folder = folder
    this.#program = join(folder, 'recording.mjs')
  }

  static async open(): Promise<PowerLab> {
    const lab = new PowerLab(await mkdtemp(join(tmpdir(), 'sonde-power-')))
    await build({
      entryPoints: [join(import.meta.dirname, 'recording.ts')],
      outfile: lab.#program,
      ...nodeProgram,
    })
    return lab
  }

  /** Starts a recording. @returns The process outside the namespace. Its end is the end of everything within. */
  async start(plan: Omit<Plan, 'folder'>): Promise<ChildProcess & { stdout: NodeJS.ReadableStream }> {
    const folder = await mkdtemp(join(this.folder, 'run-'))
    const command = [process.execPath, this.#program, 'run', JSON.stringify({ ...plan, folder })]
    return spawn('unshare', [...unshareArguments, ...command], { stdio: ['pipe', 'pipe', 'inherit'] })
  }

  async run(plan: Omit<Plan, 'folder'>): Promise<Outcome> {
    const child = await this.start(plan)
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    if (code !== 0) throw new Error(`The recording of ${plan.writer} ended with ${code}`)
    return JSON.parse(out.trim().split('\n').at(-1) ?? '')
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}

/**
 * Resolves when a recording that was started has its disk mounted.
 * @throws When it ends before: nobody would ever say anything again.
 */
export async function recording(
  child: ChildProcess & { readonly stdout: NodeJS.ReadableStream },
): Promise<void> {
  const early = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`The recording ended with ${code ?? signal} before its disk was mounted`)
  })
  await Promise.race([once(createInterface(child.stdout), 'line'), early])
}
