// Starts card.ts in its namespaces and speaks with it: commands there, what the agent says and how they ended back.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { unshareArguments } from '../power/power-lab.ts'
import { nodeProgram } from '../support/node-program.ts'
import type { Cycled, Found, Plan, Started } from './card.ts'

interface Word {
  readonly said?: string
  readonly done?: string
  readonly answer?: unknown
  readonly ended?: number | null
}

export class CardLab {
  readonly folder = mkdtempSync(join(tmpdir(), 'sonde-card-'))
  readonly #program = join(this.folder, 'card.mjs')

  static async open(): Promise<CardLab> {
    const lab = new CardLab()
    await build({
      entryPoints: [join(import.meta.dirname, 'card.ts')],
      outfile: lab.#program,
      ...nodeProgram,
    })
    return lab
  }

  /** Starts an agent on a new card. */
  start(plan: Omit<Plan, 'folder'>): SickAgent {
    const folder = mkdtempSync(join(this.folder, 'run-'))
    const argv = [process.execPath, this.#program, 'run', JSON.stringify({ ...plan, folder })]
    const child = spawn('unshare', [...unshareArguments, ...argv], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    return new SickAgent(child)
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}

/** An agent that runs on a card. */
export class SickAgent {
  /** All that it said, line by line. */
  readonly said: string[] = []
  /** null while it runs. */
  exit: { readonly code: number | null } | null = null
  readonly #child: ChildProcess
  #gone = false
  readonly #answers = new Map<string, unknown>()
  /** Everyone who waits looks again after each word. */
  #wake: (() => void)[] = []

  constructor(child: ChildProcess & { readonly stdout: NodeJS.ReadableStream }) {
    this.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => {
      const word: Word = JSON.parse(line)
      if (word.said !== undefined) this.said.push(word.said)
      if (word.done !== undefined) this.#answers.set(word.done, word.answer)
      if (word.ended !== undefined) this.exit = { code: word.ended }
      this.#wakeAll()
    })
    child.once('close', (code) => {
      this.exit ??= { code }
      this.#gone = true
      this.#wakeAll()
    })
  }

  sicken = () => this.#command('sicken')
  mend = () => this.#command('mend')
  stop = () => this.#command('stop')
  once = () => this.#command('once') as Promise<Started>
  cycle = () => this.#command('cycle') as Promise<Cycled>
  status = () => this.#command('status')
  read = () => this.#command('read') as Promise<Found>

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'close')
    this.#child.stdin?.end()
    await gone
  }

  async #command(name: string): Promise<unknown> {
    this.#answers.delete(name)
    this.#child.stdin?.write(`${name}\n`)
    while (!this.#answers.has(name)) {
      if (this.#gone)
        throw new Error(`The card ended with ${this.exit?.code}: ${this.said.slice(-5).join('\n')}`)
      await this.#word()
    }
    return this.#answers.get(name)
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  #word(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }
}
