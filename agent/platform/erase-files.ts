// Files that shall not be read again: written over, flushed, then removed. What a card or a disk keeps of old blocks by itself is
// beyond it (SECURITY.md).

import { randomFillSync } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { isMissing } from './atomic-file.ts'

const chunkBytes = 64 * 1024

/**
 * Erases the file, or the folder with all that is in it; links are removed and not followed. Goes on past what refuses.
 * @returns Paths that are still there.
 */
export function erase(path: string): string[] {
  try {
    const stat = lstatSync(path)
    if (stat.isDirectory()) {
      const left = readdirSync(path).flatMap((name) => erase(join(path, name)))
      if (left.length > 0) return left
      rmdirSync(path)
      return []
    }
    if (stat.isFile()) writeOver(path)
    unlinkSync(path)
    return []
  } catch (error) {
    return isMissing(error) ? [] : [path]
  }
}

/** The folder may have files of others in it, be a mount, or be a service's, and stays then. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {}
}

/** With chance, so that a medium that stores zeros as nothing writes it too. */
function writeOver(path: string): void {
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    const chunk = Buffer.alloc(chunkBytes)
    let left = fstatSync(descriptor).size
    for (let position = 0; left > 0; ) {
      randomFillSync(chunk)
      const done = writeSync(descriptor, chunk, 0, Math.min(left, chunkBytes), position)
      position += done
      left -= done
    }
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
