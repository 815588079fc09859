// The log on disk: two files of bounded size, so that the log of a year takes no more room than that of a week. The
// system's journal lives in memory on small boards; after a power cut, only these files tell what happened.

import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The log takes at most twice this. That is about four days of a healthy agent, or a few hours of one that has many
 * faults.
 */
const maxFileBytes = 256 * 1024

export interface LogRing {
  write(line: string): void
  /**
   * Number of lines that could not be written. Logging never stops a measurement, so such lines are counted and
   * forgotten.
   */
  readonly dropped: () => number
  close(): void
}

/** @param maxBytes - Size at which the file is set aside and a new one begun. */
export function openLogRing(folder: string, maxBytes: number = maxFileBytes): LogRing {
  const current = join(folder, 'sonde.ndjson')
  const previous = join(folder, 'sonde.1.ndjson')
  let descriptor: number | null = null
  let size = 0
  let dropped = 0

  const open = () => {
    descriptor = openSync(current, 'a', 0o600)
    size = statSync(current).size
  }
  const shut = () => {
    if (descriptor !== null) closeSync(descriptor)
    descriptor = null
  }
  return {
    write(line) {
      try {
        if (descriptor !== null && !isAt(current, descriptor)) shut()
        if (descriptor === null) open()
        if (size + line.length > maxBytes && size > 0) {
          shut()
          renameSync(current, previous)
          open()
        }
        size += writeSync(descriptor ?? openSync(current, 'a', 0o600), line)
      } catch {
        dropped += 1
        try {
          shut()
        } catch {
          // When a descriptor cannot be closed, the disk is at fault; the next line opens a new one.
          descriptor = null
        }
      }
    },
    dropped: () => dropped,
    close: shut,
  }
}

/** Whether the file that is written is the one by that name: others rename logs and remove them. */
function isAt(path: string, descriptor: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false })
  const open = fstatSync(descriptor)
  return named !== undefined && named.ino === open.ino && named.dev === open.dev
}
