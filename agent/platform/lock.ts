// One agent per state folder. Two agents would give one sequence number two contents.

import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { ActionableError } from './actionable-error.ts'
import { isMissing, isSick } from './atomic-file.ts'
import { isNoFile, readRegularSync } from './regular-file.ts'
import { isAlive, ownName } from './running-process.ts'

export interface Lock {
  /** Whether the lock file existed and named an agent that is gone. */
  readonly tookOver: boolean
  /**
   * Takes the lock if the disk refused it before. While the disk refuses, nothing can be written to the folder, so no
   * sequence number can get two contents: measuring goes on without the lock.
   * @throws {ActionableError} `already_running` when another agent has the lock by now.
   */
  hold(): void
  release(): void
}

/**
 * Takes the lock file, or takes over one whose owner is gone: an agent that was killed, or one of an earlier boot.
 *
 * It never links or renames onto the file (Android refuses hard links); `O_EXCL` decides which process gets it.
 *
 * On a disk that is full, failing or read-only the lock is not taken, and `hold()` tries again.
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
      // Where the folder was exchanged meanwhile, another agent's lock may be there.
      if (held && isOurs(path)) unlinkIfThere(path)
      held = false
    },
  }
}

/** `over`: the lock was taken over from an agent that is gone. */
type Taken = 'free' | 'over'

/** @returns null when the disk refuses. */
function tryToTake(path: string): Taken | null {
  try {
    return take(path)
  } catch (error) {
    if (error instanceof ActionableError) throw error
    if (isSick(error) || isMissing(error)) return null
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
    refuseHidden(path)
    const owner = livingOwner(path)
    if (owner !== null) {
      throw new ActionableError(
        'already_running',
        `Another agent (process ${owner}) uses this state folder. Stop it first, or use another folder with --state DIR.`,
      )
    }
    // When a card became read-only under an agent that was killed, the file cannot be removed, and no process holds
    // the lock.
    if (remove(path)) taken = 'over'
  }
  throw new ActionableError('already_running', `Other agents keep taking ${path}. Try again.`)
}

/**
 * A lock file that names no process is taken over at once, also by an agent that starts in the same moment: if the
 * number cannot be written, it is better to have no file.
 */
function sign(descriptor: number, path: string): void {
  try {
    const { pid, boot, start } = ownName()
    writeSync(descriptor, `${pid} ${boot ?? '-'} ${start ?? '-'}\n`)
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
    // No folder: the disk did not let it be made.
    if (isSick(error) || isMissing(error)) throw error
    throw new ActionableError('state_unwritable', `Cannot create ${path}. May this user write there?`, {
      cause: error,
    })
  }
}

/**
 * A lock that is not this user's to read may be that of an agent which root runs, on the same spool.
 * @throws {ActionableError} `state_unwritable`.
 */
function refuseHidden(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (cause) {
    if (!isCode(cause, 'EACCES')) return
    throw new ActionableError(
      'state_unwritable',
      `Cannot tell whether an agent runs: the lock ${path} is another user's. Stop that user's agent; if none runs, remove the file.`,
      { cause },
    )
  }
}

/**
 * Reads the lock file, and changes nothing.
 * @returns The number of the process that holds the lock, or null when none does.
 */
export function livingOwner(path: string): number | null {
  let text: string
  try {
    text = readRegularSync(path).toString('latin1')
  } catch {
    // The file disappeared between two steps, or is none: the lock is free.
    return null
  }
  const [pid = '', boot = '-', start = '-'] = text.trim().split(' ')
  const number = Number(pid)
  // A torn lock file names no process; one with our own number is from before a reboot.
  if (!Number.isInteger(number) || number <= 1 || number === process.pid) return null
  const owner = { pid: number, boot: boot === '-' ? null : boot, start: start === '-' ? null : start }
  return isAlive(owner) ? number : null
}

function isOurs(path: string): boolean {
  try {
    return readRegularSync(path).toString('latin1').split(' ')[0] === String(process.pid)
  } catch {
    return false
  }
}

function unlinkIfThere(path: string): void {
  try {
    remove(path)
  } catch (error) {
    // On a disk that refuses, the file stays, names a process that is gone, and is taken over at the next start.
    if (!isSick(error)) throw error
  }
}

/** @returns Whether the file was there. */
function remove(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (isNoFile(error)) {
      // Folders hold no lock, and this one gates no measurement.
      renameSync(path, `${path}.in-the-way`)
      return false
    }
    if (!isCode(error, 'ENOENT')) throw error
    return false
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
