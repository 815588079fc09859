// The folder that a coordinator works in: keys/NAME.json, the root of trust, and what was signed so far as one file.

import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { readOneFile, writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import { CommandFailed } from '../command-failed.ts'
import { readSealedKey, type SealedKey } from '../keys/sealed-key.ts'
import { flushFolder, makeFolder, making, readIfThere, writeNew, writeWhole } from './durable-file.ts'

export type Files = ReadonlyMap<string, Uint8Array>

export interface NewWorkspace {
  readonly files: Files
  /** As `sealKey()` makes them, by name. */
  readonly keys: ReadonlyMap<string, string>
  /** Public halves in hex, by name. */
  readonly publicKeys: ReadonlyMap<string, string>
  /** null when it was not said. */
  readonly collector: string | null
}

export class Workspace {
  readonly dir: string
  readonly #keyNames: readonly string[]
  /** By name, as a mirror serves them. */
  readonly files: Files

  private constructor(dir: string, files: Files, keyNames: readonly string[]) {
    this.dir = dir
    this.files = files
    this.#keyNames = keyNames
  }

  /** @throws {CommandFailed} `no_workspace`, `workspace_damaged`. */
  static open(dir: string): Workspace {
    const path = join(dir, 'repository.slr')
    const bytes = readIfThere(path)
    if (bytes === null) throw new CommandFailed('no_workspace', (words) => words.noWorkspace(dir))
    const keys = join(dir, 'keys')
    const names = existsSync(keys) ? readdirSync(keys).filter((name) => name.endsWith('.json')) : []
    return new Workspace(
      dir,
      filesIn(bytes, path),
      names.map((name) => name.slice(0, -'.json'.length)).sort(),
    )
  }

  /**
   * Makes the folder whole, or not at all.
   * @throws {CommandFailed} `workspace_exists` for one that is there and not empty.
   */
  static make(dir: string, { files, keys, publicKeys, collector }: NewWorkspace): void {
    refuseUsed(dir)
    const whole = resolve(dir)
    makeFolder(dirname(whole))
    const aside = making(dir, () => mkdtempSync(join(dirname(whole), `.${basename(whole)}-`)))
    try {
      makeFolder(join(aside, 'keys'))
      for (const [name, text] of keys) writeNew(join(aside, 'keys', `${name}.json`), text)
      for (const [name, bytes] of files)
        if (name.endsWith('.root.json')) writeNew(join(aside, basename(name)), bytes)
      writeNew(join(aside, 'repository.slr'), writeOneFile(files))
      writeNew(join(aside, 'names.json'), `${JSON.stringify(Object.fromEntries(publicKeys), null, 2)}\n`)
      if (collector !== null) writeNew(join(aside, 'collector'), `${collector}\n`)
      // A folder takes the place of an empty one, and of no other.
      making(dir, () => renameSync(aside, whole))
      flushFolder(dirname(whole))
    } catch (error) {
      rmSync(aside, { recursive: true, force: true })
      throw error
    }
  }

  get keyNames(): readonly string[] {
    return this.#keyNames
  }

  keyPath(name: string): string {
    return join(this.dir, 'keys', `${name}.json`)
  }

  /** @throws {CommandFailed} `no_key`, `key_damaged`. */
  key(name: string): SealedKey {
    const path = this.keyPath(name)
    const text = this.#keyNames.includes(name) ? readIfThere(path)?.toString('utf8') : undefined
    if (text === undefined) throw new CommandFailed('no_key', (words) => words.noKey(name, this.#keyNames))
    return readSealedKey(text, path)
  }

  addKey(name: string, text: string): void {
    makeFolder(join(this.dir, 'keys'))
    writeNew(this.keyPath(name), text)
  }

  /**
   * Of a key that may be with its holder: `names.json` knows which it is.
   * @throws {CommandFailed} `no_key`.
   */
  publicOf(name: string): string {
    const hex = this.#names[name]
    if (hex === undefined)
      throw new CommandFailed('no_key', (words) => words.noKey(name, Object.keys(this.#names)))
    return hex
  }

  /** A key in the place of another, which stays beside it: until the change is published, the old one counts. */
  replaceKey(name: string, text: string): void {
    const path = this.keyPath(name)
    makeFolder(join(this.dir, 'keys'))
    const before = readIfThere(path)
    if (before !== null) writeWhole(join(this.dir, 'keys', `${name}.old`), before)
    writeWhole(path, text)
    const names = { ...this.#names, [name]: readSealedKey(text, path).public }
    writeWhole(join(this.dir, 'names.json'), `${JSON.stringify(names, null, 2)}\n`)
  }

  get #names(): Readonly<Record<string, string>> {
    const path = join(this.dir, 'names.json')
    const text = readIfThere(path)?.toString('utf8') ?? '{}'
    try {
      return JSON.parse(text) as Record<string, string>
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new CommandFailed('workspace_damaged', (words) => words.workspaceDamaged(path, why), { cause })
    }
  }

  get collector(): string | null {
    return readIfThere(join(this.dir, 'collector'))?.toString('utf8').trim() ?? null
  }

  rememberCollector(url: string): void {
    if (this.collector !== url) writeWhole(join(this.dir, 'collector'), `${url}\n`)
  }

  keep(files: Files): void {
    for (const [name, bytes] of files)
      if (name.endsWith('.root.json')) {
        const path = join(this.dir, basename(name))
        if (!existsSync(path)) writeNew(path, bytes)
      }
    writeWhole(join(this.dir, 'repository.slr'), writeOneFile(files))
  }
}

/** @throws {CommandFailed} `workspace_exists`. */
export function refuseUsed(dir: string): void {
  if (existsSync(dir) && making(dir, () => readdirSync(dir)).length > 0)
    throw new CommandFailed('workspace_exists', (words) => words.workspaceExists(dir))
}

function filesIn(bytes: Uint8Array, path: string): Files {
  try {
    return readOneFile(bytes)
  } catch (cause) {
    if (!(cause instanceof Refused)) throw cause
    throw new CommandFailed('workspace_damaged', (words) => words.workspaceDamaged(path, cause.message), {
      cause,
    })
  }
}
