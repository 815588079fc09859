// Plays one case on one device: each step is an update cycle of a new process on the state that the one before left. The
// README beside it says what a case is.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ListUpdate, type ListUpdateOptions } from '../../agent/update/list-update.ts'
import type { UpdateSource } from '../../agent/update/source.ts'
import type { RefusalCode } from '../../tests-spec/lists/tuf/refusal.ts'
import type { Limits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { SimulatedDisk } from '../support/simulated-disk.ts'

type Served =
  | string
  | { readonly file: string; readonly cut?: number; readonly padTo?: number; readonly endless?: true }
type OneOf<T> = T | readonly T[]

export interface Step {
  readonly now: string
  readonly clockTrusted: boolean
  readonly serve: Readonly<Record<string, Served>>
  readonly gone?: readonly string[]
  readonly serveTargets?: Readonly<Record<string, Served>>
  readonly goneTargets?: readonly string[]
  readonly ask: readonly string[]
  readonly crashes?: Readonly<Record<string, number>>
  readonly damage?: object
  readonly expect: {
    readonly refresh: 'ok' | 'refused' | 'either'
    readonly attack?: string | null
    readonly at?: string
    readonly trusted: Readonly<Record<string, OneOf<number>>>
    readonly targets: Readonly<Record<string, string>>
    readonly targetsAlso?: Readonly<Record<string, string>>
    readonly inForce: Readonly<Record<string, OneOf<string | null>>>
    readonly stale: readonly string[]
  }
}

export interface Case {
  readonly case: string
  readonly title: string
  readonly root: string
  readonly floor?: Readonly<Record<string, number>>
  readonly limits: Limits
  readonly steps: readonly Step[]
  readonly unchecked?: readonly string[]
  readonly metadataRequests?: readonly (readonly string[])[]
}

const casesFolder = join(import.meta.dirname, 'cases')

export const allCases: readonly Case[] = readdirSync(casesFolder)
  .sort()
  .map((name) => JSON.parse(readFileSync(join(casesFolder, name), 'utf8')))

const files = new Map<string, Buffer>()

export function fileNamed(name: string): Buffer {
  const known = files.get(name) ?? readFileSync(join(import.meta.dirname, 'files', name))
  files.set(name, known)
  return known
}

/** What a repository serves, step by step. */
export class ServedRepository implements UpdateSource {
  readonly #served = { metadata: new Map<string, Served>(), target: new Map<string, Served>() }
  /** Names of metadata that were asked for since it was last emptied. */
  asked: string[] = []

  change({
    serve,
    gone,
    serveTargets,
    goneTargets,
  }: Pick<Step, 'serve' | 'gone' | 'serveTargets' | 'goneTargets'>): void {
    for (const [name, each] of Object.entries(serve)) this.#served.metadata.set(name, each)
    for (const [name, each] of Object.entries(serveTargets ?? {})) this.#served.target.set(name, each)
    for (const name of gone ?? []) this.#served.metadata.delete(name)
    for (const name of goneTargets ?? []) this.#served.target.delete(name)
  }

  async get({ kind, name, maxBytes }: Parameters<UpdateSource['get']>[0]) {
    if (kind === 'metadata') this.asked.push(name)
    const served = this.#served[kind].get(name)
    if (served === undefined) return 'not_found'
    const { file, cut, padTo, endless } = typeof served === 'string' ? { file: served } : served
    if (endless === true) return 'too_long'
    const bytes = fileNamed(file).subarray(0, cut)
    const padded = Buffer.concat([bytes, Buffer.alloc(Math.max(0, (padTo ?? 0) - bytes.length), ' ')])
    return padded.length > maxBytes ? 'too_long' : padded
  }
}

export const dir = '/update'

export function optionsOf({ root, floor, limits }: Case, disk: SimulatedDisk): ListUpdateOptions {
  return {
    dir,
    disk,
    root: fileNamed(root),
    floor: new Map(Object.entries(floor ?? {})),
    limits: { ...limits, group: limits.targets, targetFile: limits.targetFile ?? 1_000_000 },
    everyRole: false,
    boot: { id: 'boot', monoMs: 0 },
  }
}

/** A device on which one case is played. */
export class VectorDevice {
  readonly played: Case
  readonly repository = new ServedRepository()
  disk = new SimulatedDisk()
  /** Of the last step, by what they are about: `refresh`, or the path of a target. */
  refusals: ReadonlyMap<string, { readonly code: RefusalCode; readonly at: string }> = new Map()

  constructor(played: Case) {
    this.played = played
  }

  open(): Promise<ListUpdate> {
    return ListUpdate.open(optionsOf(this.played, this.disk))
  }

  /** @returns What is otherwise than the step expects. */
  async play(step: Step): Promise<string[]> {
    for (let n = 0; n < Math.max(0, ...Object.values(step.crashes ?? {})); n++)
      await (await this.open()).beginUse({ id: 'boot', monoMs: 0 })
    this.repository.change(step)
    this.repository.asked = []
    const update = await this.open()
    const clock = { nowMs: Date.parse(step.now), isTrusted: step.clockTrusted, latestMs: null }
    const outcome = await update.refresh(this.repository, step.ask, clock)
    const refusals = new Map(outcome.refusal === null ? [] : [['refresh', outcome.refusal]])
    for (const [path, each] of outcome.targets) if (each.kind === 'refused') refusals.set(path, each.refusal)
    this.refusals = refusals

    const faults: string[] = []
    const compare = (what: string, wanted: OneOf<unknown>, got: unknown) => {
      const fits = wanted === 'either' || (Array.isArray(wanted) ? wanted.includes(got) : wanted === got)
      if (!fits) faults.push(`${what}: ${got}, expected ${wanted}`)
    }
    const { expect } = step
    const refresh = outcome.refusal === null ? 'ok' : 'refused'
    compare('refresh', expect.refresh, refresh)
    for (const [role, wanted] of Object.entries(expect.trusted)) {
      const isTop = ['root', 'timestamp', 'snapshot', 'targets'].includes(role)
      if (isTop || this.played.unchecked === undefined)
        compare(`version of ${role}`, wanted, update.versions.get(role) ?? 0)
    }
    for (const [path, wanted] of Object.entries(expect.targets)) {
      if (refresh === 'refused' && expect.refresh === 'either') continue
      const got = await found(update, path, outcome.targets.get(path)?.kind, step)
      if (got !== expect.targetsAlso?.[path]) compare(`target ${path}`, wanted, got)
    }
    // The same, and by a process that has only the disk.
    for (const each of [update, await this.open()]) {
      for (const [path, wanted] of Object.entries(expect.inForce))
        compare(`in force for ${path}`, wanted, (await each.inForce(path))?.sha256 ?? null)
      const stale = Object.keys(expect.inForce).filter((path) => each.isStale(path, clock))
      compare('stale', `${[...expect.stale].sort()}`, `${stale.sort()}`)
    }
    return faults
  }
}

/** The vector's word for what became of a target. */
async function found(
  update: ListUpdate,
  path: string,
  kind: string | undefined,
  step: Step,
): Promise<string> {
  if (kind === 'withdrawn' || kind === 'not_listed') return 'not-found'
  if (kind !== 'in_force') return 'refused'
  // A list that is set aside was found all the same.
  const isSetAside = (await update.inForce(path))?.isFallback === true
  return isSetAside ? String(step.expect.targets[path]) : ((await update.inForce(path))?.sha256 ?? 'none')
}
