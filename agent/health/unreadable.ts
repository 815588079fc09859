// Whether the spool can be read by who asks, found out without opening anything: what the agent wrote of it may be from before, or
// from a start that could not look into it.

import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface Unreadable {
  /** The system's word for it. */
  readonly code: string
  /** Below the folder. */
  readonly path: string
}

const folders = new Set(['', 'control', 'records', 'batches', 'quarantine', 'kept'])

/** @returns The first thing in the folder that this user cannot read or, of segments, go on in; null when there is none. */
export function unreadableIn(folder: string): Unreadable | null {
  return lookAt(folder, folder)
}

function lookAt(folder: string, path: string): Unreadable | null {
  try {
    const isFolder = statSync(path).isDirectory()
    const below = relative(folder, path)
    if (!isFolder && folders.has(below)) return { code: 'ENOTDIR', path: below }
    const needs = isFolder || path.endsWith('.seg') ? constants.R_OK | constants.W_OK : constants.R_OK
    accessSync(path, isFolder ? needs | constants.X_OK : needs)
    if (!isFolder) return null
    for (const name of readdirSync(path)) {
      const found = lookAt(folder, join(path, name))
      if (found !== null) return found
    }
    return null
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    // What is gone by now is no obstacle; of a disk that takes nothing, why-unwritable.ts speaks.
    return code === 'EACCES' || code === 'EPERM' || code === 'EIO'
      ? { code, path: relative(folder, path) }
      : null
  }
}
