// The log on disk: two files of bounded size, so that a year of it costs what a day does. The system's journal lives
// in memory on small boards; after a power cut this is all that says what happened.

import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Twice this is the most the log takes. About four days of a healthy agent, a few hours of a very sick one. */
const maxFileBytes = 256 * 1024

export interface LogRing {
  write(line: string): void
  /** Lines that could not be written. Logging never stops a measurement, so they are counted and forgotten. */
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
          // A descriptor that cannot even be closed is the disk's trouble; the next line opens a new one.
          descriptor = null
        }
      }
    },
    dropped: () => dropped,
    close: shut,
  }
}
