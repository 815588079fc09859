// What became of the attempts to index batches, across the ends of this process: a batch of a stranger may hang it, or
// outgrow its memory. Before one is tried, its id is written down; whoever starts and finds an id that was not got
// done with has a suspect. A suspect waits until everything else is indexed, and is then tried alone. One that ends the
// process then as well, twice, or fails twice, is set aside until a person gives it another chance.
//
//   indexing/trying                what is being tried now
//   indexing/<batchId>.json        a suspect, or one that is set aside
//
// Nothing here is synced to the disk: a process that dies takes no written file with it, and a power cut is no sign of
// a bad batch.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { type BatchId, batchId } from '../../tests-spec/protocol/batch.ts'

/** Times that a suspect may end the process while it is the only one in work. */
const maxLoneDeaths = 2
/** Times that it may fail. */
const maxFailures = 2

const trying = v.object({ batch: batchId, alone: v.boolean() })

const record = v.object({
  deaths: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  failures: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** What it failed by last; null when it never did. */
  problem: v.nullable(v.string()),
})
type Attempt = v.InferOutput<typeof record>

/** What a start has found out. */
export interface Found {
  readonly batch: BatchId
  readonly became: 'suspect' | 'set aside'
}

export class Attempts {
  readonly #folder: string
  readonly #known = new Map<BatchId, Attempt>()

  private constructor(state: string) {
    this.#folder = join(state, 'indexing')
  }

  static open(state: string): Attempts {
    const attempts = new Attempts(state)
    mkdirSync(attempts.#folder, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(attempts.#folder)) {
      const id = v.safeParse(batchId, name.replace(/\.json$/, ''))
      if (id.success) attempts.#known.set(id.output, attempts.#read(name))
    }
    return attempts
  }

  /**
   * Draws the conclusion from what the last process was trying when it ended.
   *
   * @param isDone - Whether a batch is indexed: the last process may have ended just behind it.
   * @returns null when it tells nothing.
   */
  conclude(isDone: (id: BatchId) => boolean): Found | null {
    const last = this.#lastTried()
    this.idle()
    if (last === null) return null
    const { batch, alone } = last
    if (isDone(batch)) {
      this.done(batch)
      return null
    }
    // In company it may have been anything: what counts is what it does alone.
    const { deaths, ...rest } = this.#of(batch)
    this.#write(batch, { ...rest, deaths: alone ? deaths + 1 : deaths })
    return { batch, became: this.isSetAside(batch) ? 'set aside' : 'suspect' }
  }

  isSuspect(id: BatchId): boolean {
    return this.#known.has(id)
  }

  isSetAside(id: BatchId): boolean {
    const { deaths, failures } = this.#of(id)
    return deaths >= maxLoneDeaths || failures >= maxFailures
  }

  /** Batches that are not indexed any more. */
  get setAside(): readonly BatchId[] {
    return [...this.#known.keys()].filter((id) => this.isSetAside(id)).sort()
  }

  /** How often a suspect has ended the process. */
  deathsOf(id: BatchId): number {
    return this.#of(id).deaths
  }

  /** Notes that a batch is about to be tried. Must be called before anything of it is read. */
  begin(batch: BatchId, alone: boolean): void {
    writeFileSync(join(this.#folder, 'trying'), JSON.stringify({ batch, alone }), { mode: 0o600 })
  }

  /** The batch is indexed, or not there any more, or has another chance. */
  done(id: BatchId): void {
    if (this.#known.delete(id)) rmSync(this.#path(id), { force: true })
  }

  /** @returns Whether it is set aside now; otherwise it is tried once more. */
  failed(id: BatchId, problem: string): boolean {
    const { failures, ...rest } = this.#of(id)
    this.#write(id, { ...rest, failures: failures + 1, problem })
    return this.isSetAside(id)
  }

  /** Nothing is being tried. */
  idle(): void {
    rmSync(join(this.#folder, 'trying'), { force: true })
  }

  #of(id: BatchId): Attempt {
    return this.#known.get(id) ?? { deaths: 0, failures: 0, problem: null }
  }

  #lastTried(): v.InferOutput<typeof trying> | null {
    try {
      return v.parse(trying, JSON.parse(readFileSync(join(this.#folder, 'trying'), 'utf8')))
    } catch {
      // There was none, or the process ended while it was written, which was before the batch was touched.
      return null
    }
  }

  #read(name: string): Attempt {
    try {
      return v.parse(record, JSON.parse(readFileSync(join(this.#folder, name), 'utf8')))
    } catch {
      return { deaths: 0, failures: 0, problem: null }
    }
  }

  #write(id: BatchId, attempt: Attempt): void {
    this.#known.set(id, attempt)
    writeFileSync(this.#path(id), JSON.stringify(attempt), { mode: 0o600 })
  }

  #path(id: BatchId): string {
    return join(this.#folder, `${id}.json`)
  }
}
