// One agent per state folder. Two would give one sequence number two contents.

import { closeSync, fsyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { ActionableError } from './actionable-error.ts'

export interface Lock {
  release(): void
}

/**
 * Takes the lock file, or takes over one whose owner is gone: an agent that was killed, or a boot that ended.
 *
 * Never links or renames onto it (Android refuses hard links); `O_EXCL` is the arbiter.
 *
 * @throws {ActionableError} `already_running` while another agent lives.
 */
export function takeLock(path: string): Lock {
  for (let attempt = 0; attempt < 3; attempt++) {
    const descriptor = createExclusively(path)
    if (descriptor !== null) {
      writeSync(descriptor, `${process.pid}\n`)
      fsyncSync(descriptor)
      closeSync(descriptor)
      return { release: () => unlinkIfThere(path) }
    }
    const owner = livingOwner(path)
    if (owner !== null) {
      throw new ActionableError(
        'already_running',
        `Another agent (process ${owner}) uses this state folder. Stop it first, or use another folder with --state DIR.`,
      )
    }
    unlinkIfThere(path)
  }
  throw new ActionableError('already_running', `Other agents keep taking ${path}. Try again.`)
}

function createExclusively(path: string): number | null {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if (isCode(error, 'EEXIST')) return null
    throw new ActionableError('state_unwritable', `Cannot create ${path}. Is the disk full or read-only?`, {
      cause: error,
    })
  }
}

/** @returns The process that holds the lock, or null when nobody does. */
function livingOwner(path: string): number | null {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    // Gone between two looks: free.
    return null
  }
  const number = Number(text.trim())
  // A torn lock names nobody; one with our own number is from before a reboot.
  if (!Number.isInteger(number) || number <= 1 || number === process.pid) return null
  return isAgent(number) ? number : null
}

/** Process numbers are used again: only one that runs this program counts. */
function isAgent(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    // Not there, or another user's: the state folder is private, so its agent would be ours to signal.
    return false
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('sonde')
  } catch {
    // Hidden from us: believe the number.
    return true
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
