// The log on disk: two files of bounded size, so that the log of a year takes no more room than that of a week. The
// system's journal lives in memory on small boards; after a power cut, only these files tell what happened.

import { closeSync, constants, fstatSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openRegularSync } from './regular-file.ts'

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

/** The file that is written, and the one before it. */
export function logFiles(folder: string): { readonly current: string; readonly previous: string } {
  return { current: join(folder, 'sonde.ndjson'), previous: join(folder, 'sonde.1.ndjson') }
}

const lineFeed = 0x0a

function lastByte(descriptor: number, size: number): number | undefined {
  const byte = Buffer.alloc(1)
  readSync(descriptor, byte, 0, 1, size - 1)
  return byte[0]
}

/** @param maxBytes - Size at which the file is set aside and a new one begun. */
export function openLogRing(folder: string, maxBytes: number = maxFileBytes): LogRing {
  const { current, previous } = logFiles(folder)
  let descriptor: number | null = null
  let size = 0
  let dropped = 0

  const open = () => {
    descriptor = openToAppend(current)
    size = fstatSync(descriptor).size
    // A power cut may have torn the last line: the next one must not become a part of it.
    if (size > 0 && lastByte(descriptor, size) !== lineFeed) size += writeSync(descriptor, '\n')
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
        size += writeSync(descriptor ?? openToAppend(current), line)
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

function openToAppend(path: string): number {
  return openRegularSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
}

/** Whether the file that is written is the one by that name: others rename logs and remove them. */
function isAt(path: string, descriptor: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false })
  const open = fstatSync(descriptor)
  return named !== undefined && named.ino === open.ino && named.dev === open.dev
}
