// Files of the workspace: written whole or not at all, and on the disk when this returns.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { CommandFailed } from '../command-failed.ts'

/** @throws {CommandFailed} `output_not_made`. */
export function writeWhole(path: string, bytes: string | Uint8Array): void {
  making(path, () => {
    const aside = `${path}.new`
    rmSync(aside, { force: true })
    put(aside, bytes)
    renameSync(aside, path)
    flushFolder(dirname(path))
  })
}

/** @throws {CommandFailed} `output_exists`, `output_not_made`. */
export function writeNew(path: string, bytes: string | Uint8Array): void {
  making(path, () => {
    put(path, bytes)
    flushFolder(dirname(path))
  })
}

export function makeFolder(path: string): void {
  making(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }))
}

/** @returns null when it is not there. @throws {CommandFailed} `not_readable`. */
export function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null
    throw new CommandFailed('not_readable', (words) => words.notReadable(path, whyOf(cause)), { cause })
  }
}

export function making<Result>(path: string, make: () => Result): Result {
  try {
    return make()
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST')
      throw new CommandFailed('output_exists', (words) => words.workspaceExists(path), { cause })
    throw new CommandFailed('output_not_made', (words) => words.notMade(path, whyOf(cause)), { cause })
  }
}

export function flushFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** All of this is for its owner's eyes: keys lie among it. */
function put(path: string, bytes: string | Uint8Array): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    const all = Buffer.from(bytes as Uint8Array)
    for (let at = 0; at < all.length; ) at += writeSync(file, all, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

const codeOf = (cause: unknown) => (cause instanceof Error && 'code' in cause ? cause.code : null)
const whyOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
