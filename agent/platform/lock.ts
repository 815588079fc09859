// One agent per state folder. Two would give one sequence number two contents.

import { closeSync, fsyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { ActionableError } from './actionable-error.ts'
import { isSick } from './atomic-file.ts'

export interface Lock {
  /** Whether the file was there, and named an agent that is gone. */
  readonly tookOver: boolean
  /**
   * Takes the lock if the disk did not let it before. Nothing can be written there meanwhile, so nothing can be given
   * two contents: measuring goes on without it.
   * @throws {ActionableError} `already_running` when another agent has it by now.
   */
  hold(): void
  release(): void
}

/**
 * Takes the lock file, or takes over one whose owner is gone: an agent that was killed, or a boot that ended.
 *
 * Never links or renames onto it (Android refuses hard links); `O_EXCL` is the arbiter.
 *
 * On a disk that is full, failing or read-only it is not taken, and `hold()` tries again.
 *
 * @throws {ActionableError} `already_running` while another agent lives.
 */
export function takeLock(path: string): Lock {
  let held = false
  let tookOver = false
  const hold = () => {
    if (held) return
    const taken = tryToTake(path)
    held = taken !== null
    tookOver ||= taken === 'over'
  }
  hold()
  return {
    get tookOver() {
      return tookOver
    },
    hold,
    release() {
      if (held) unlinkIfThere(path)
      held = false
    },
  }
}

/** `over`: from an agent that is gone. */
type Taken = 'free' | 'over'

/** @returns null when the disk is sick. */
function tryToTake(path: string): Taken | null {
  try {
    return take(path)
  } catch (error) {
    if (error instanceof ActionableError) throw error
    if (isSick(error)) return null
    const why = error instanceof Error ? error.message : String(error)
    throw new ActionableError(
      'state_unwritable',
      `Cannot take the lock ${path}: ${why}. If no agent runs, remove what is there by hand.`,
      { cause: error },
    )
  }
}

function take(path: string): Taken {
  let taken: Taken = 'free'
  for (let attempt = 0; attempt < 3; attempt++) {
    const descriptor = createExclusively(path)
    if (descriptor !== null) {
      sign(descriptor, path)
      return taken
    }
    const owner = livingOwner(path)
    if (owner !== null) {
      throw new ActionableError(
        'already_running',
        `Another agent (process ${owner}) uses this state folder. Stop it first, or use another folder with --state DIR.`,
      )
    }
    // A card that became read-only under an agent that was killed: it stays, and nobody holds it.
    if (remove(path)) taken = 'over'
  }
  throw new ActionableError('already_running', `Other agents keep taking ${path}. Try again.`)
}

/** A lock that names nobody is taken over at once, also by an agent that started in the same moment: none is better. */
function sign(descriptor: number, path: string): void {
  try {
    writeSync(descriptor, `${process.pid}\n`)
    fsyncSync(descriptor)
  } catch (error) {
    unlinkIfThere(path)
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function createExclusively(path: string): number | null {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if (isCode(error, 'EEXIST')) return null
    if (isSick(error)) throw error
    throw new ActionableError('state_unwritable', `Cannot create ${path}. May this user write there?`, {
      cause: error,
    })
  }
}

/**
 * Looks, and changes nothing.
 * @returns The process that holds the lock, or null when nobody does.
 */
export function livingOwner(path: string): number | null {
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
export function isAgent(pid: number): boolean {
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
    remove(path)
  } catch (error) {
    // On a sick disk it stays, names a process that is gone, and is taken over at the next start.
    if (!isSick(error)) throw error
  }
}

/** @returns Whether it was there. */
function remove(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
    return false
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
