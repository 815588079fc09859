// A file that a command makes for its user: whole under its name, or not there. It is written beside its place, under
// another name, since a cut-off export reads like one that had less to say.

import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CommandFailed } from './command-failed.ts'

export interface OutputFile {
  write(text: string): Promise<void>
  /** For a writer that opens the file itself. */
  writtenBy(work: (path: string) => Promise<void>): Promise<void>
}

const signals = ['SIGINT', 'SIGTERM'] as const
/** What a disk answers that has no room for more, or is about to fail. */
const ofDisk = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'])

/**
 * @param fill - What it throws passes, and leaves no file.
 * @throws {CommandFailed} `output_not_made`, or `output_not_written` when the disk takes no more.
 */
export async function makeOutputFile(path: string, fill: (file: OutputFile) => Promise<void>): Promise<void> {
  // Not with the name in it: that may be as long as a name can be.
  const temporary = join(dirname(path), `.sonde-${randomBytes(6).toString('hex')}.tmp`)
  const ofFile = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      throw whyNoFile(path, cause)
    }
  }
  const file = await ofFile(() => open(temporary, 'wx', 0o600))
  const stay = removedOnSignal(temporary)
  try {
    await fill({
      write: (text) => ofFile(() => file.writeFile(text)),
      writtenBy: (work) => ofFile(() => work(temporary)),
    })
    await ofFile(() => seal(file))
    await ofFile(() => rename(temporary, path))
  } catch (error) {
    await file.close().catch(() => {})
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  } finally {
    stay()
  }
}

/**
 * Ended by its user half way, a command leaves nothing either.
 * @returns What ends this.
 */
function removedOnSignal(path: string): () => void {
  const end = (signal: NodeJS.Signals) => {
    stay()
    rmSync(path, { force: true })
    // Without a listener it does now what it does to any program.
    process.kill(process.pid, signal)
  }
  const stay = () => {
    for (const signal of signals) process.off(signal, end)
  }
  for (const signal of signals) process.on(signal, end)
  return stay
}

/** A disk may say only now that there was no room. */
async function seal(file: FileHandle): Promise<void> {
  await file.sync()
  await file.close()
}

function whyNoFile(path: string, cause: unknown): unknown {
  // Of a system call: anything else comes from what is written, not from where.
  if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) return cause
  const why = cause.message.replace(/, \w+( '.*')?$/, '')
  return ofDisk.has(String(cause.code))
    ? new CommandFailed(
        'output_not_written',
        `Cannot write ${path}: ${why}. Nothing is left of it: name a file on a disk that has room.`,
        { cause },
      )
    : new CommandFailed(
        'output_not_made',
        `Cannot make ${path}: ${why}. Name a file in a folder that is there and that this user may write to.`,
        { cause },
      )
}
