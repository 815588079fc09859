// The file system as the spool sees it: the few calls it makes, as an argument, so that tests can be a disk that
// fails. Paths are absolute. Calls reject with the system's own error.

import { constants } from 'node:fs'
import { mkdir, open, stat, statfs } from 'node:fs/promises'
import { type AtomicDisk, type DiskFile, nodeAtomicDisk } from '../platform/atomic-file.ts'

export { isDiskFailure } from '../platform/atomic-file.ts'

/** An open file that can be read in parts as well. */
export interface ReadableFile extends DiskFile {
  /** @returns How many bytes were read; 0 at the end of the file. */
  read(
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
}

export interface Disk extends AtomicDisk {
  /** Opens an existing file to be read, or overwritten in place. */
  openExisting(path: string): Promise<ReadableFile>
  /** Makes the folder and those above it. One that is there is no error. */
  makeDirectory(path: string): Promise<void>
  /** Bytes in the file. */
  size(path: string): Promise<number>
  /** The kernel's number for the kind of file system that holds `path` (statfs(2), f_type). */
  fileSystemType(path: string): Promise<number>
}

/** The machine's own disk. */
export const nodeDisk: Disk = {
  ...nodeAtomicDisk,
  openExisting: (path) => open(path, constants.O_RDWR),
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  size: async (path) => (await stat(path)).size,
  fileSystemType: async (path) => (await statfs(path)).type,
}

/** Whether there is no room left: on the file system, or for this user. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

export interface Meter {
  /** Times the medium was told to write out: the figure that wears a cheap card. */
  flushes: number
  bytesWritten: number
}

/** @returns `disk`, with what goes through it counted in `meter`. */
export function meteredDisk(disk: Disk, meter: Meter): Disk {
  return {
    // Spelled out, since `disk` may be an object whose methods live on its class.
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    readFile: (path) => disk.readFile(path),
    readDirectory: (path) => disk.readDirectory(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    size: (path) => disk.size(path),
    fileSystemType: (path) => disk.fileSystemType(path),
    create: async (path, mode) => meteredFile(await disk.create(path, mode), meter),
    async openExisting(path) {
      const file = await disk.openExisting(path)
      return {
        ...meteredFile(file, meter),
        read: (into, offset, length, position) => file.read(into, offset, length, position),
      }
    },
    async syncDirectory(path) {
      meter.flushes++
      await disk.syncDirectory(path)
    },
  }
}

function meteredFile(file: DiskFile, meter: Meter): DiskFile {
  return {
    async write(bytes, offset, length, position) {
      const result = await file.write(bytes, offset, length, position)
      meter.bytesWritten += result.bytesWritten
      return result
    },
    async datasync() {
      meter.flushes++
      await file.datasync()
    },
    async sync() {
      meter.flushes++
      await file.sync()
    },
    close: () => file.close(),
  }
}
