// The file system as the spool sees it: the few calls that it makes, as an argument, so that tests can simulate a
// disk that fails. Paths are absolute. Calls reject with the system's own error.

import { constants } from 'node:fs'
import { mkdir, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  type AtomicDisk,
  type DiskFile,
  nodeAtomicDisk,
  writeFileDurably,
} from '../../platform/atomic-file.ts'
import { isNoFile, openRegular } from '../../platform/regular-file.ts'

export { isDiskFailure, isFull } from '../../platform/atomic-file.ts'

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
  /** Makes the folder and those above it. It is no error if the folder exists. */
  makeDirectory(path: string): Promise<void>
  /** @returns Size of the file in bytes. */
  size(path: string): Promise<number>
  /** @returns The kernel's number for the kind of file system that holds `path` (statfs(2), f_type). */
  fileSystemType(path: string): Promise<number>
}

/** The machine's own disk. */
export const nodeDisk: Disk = {
  ...nodeAtomicDisk,
  openExisting: (path) => openRegular(path, constants.O_RDWR),
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  size: async (path) => (await stat(path)).size,
  fileSystemType: async (path) => (await statfs(path)).type,
}

/** Whether a sector is gone, the file system reports damage, or something else is where a file was. */
function isUnreadable(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === 'EIO' || isNoFile(error) || /^Unknown system error /.test(code)
}

const blockBytes = 4_096

/**
 * Fills `into` from the start of a file, and leaves zeros in place of blocks that the medium does not give: one
 * sector that is gone must not hold up all the others for ever.
 *
 * @returns How many bytes there were.
 * @throws The disk's error when it gives nothing at all: that may pass.
 */
export async function readAround(file: ReadableFile, into: Buffer): Promise<number> {
  let done = 0
  let given = 0
  let refusal: unknown = null
  while (done < into.length) {
    try {
      const { bytesRead } = await file.read(into, done, into.length - done, done)
      if (bytesRead === 0) break
      given += bytesRead
      done += bytesRead
    } catch (error) {
      if (!isUnreadable(error)) throw error
      refusal = error
      // The range that could not be read in one piece is read block by block.
      const end = Math.min(into.length, done + blockBytes - (done % blockBytes))
      const read = await readBlock(file, into, done, end)
      if (read === null) into.fill(0, done, end)
      else if (read === 0) break
      given += read ?? 0
      done = read === null ? end : done + read
    }
  }
  if (given === 0 && refusal !== null) throw refusal
  return done
}

/** @returns How many bytes of the block were read; null when the block cannot be read. */
async function readBlock(file: ReadableFile, into: Buffer, from: number, to: number): Promise<number | null> {
  try {
    return (await file.read(into, from, to - from, from)).bytesRead
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return null
  }
}

/**
 * Reads a segment, with zeros where it cannot be read. A segment of which nothing can be read is set aside under a
 * name that the spool does not look for: its record numbers may be given again, so the segment must not come back
 * when the card can be read again.
 *
 * @returns The bytes; null when the segment was set aside.
 * @throws Any other error of the disk, and its error when it does not let the segment be set aside.
 */
export async function readWhatIsLeft(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    return await disk.readFile(path)
  } catch (error) {
    if (!isUnreadable(error)) throw error
  }
  const bytes = await readPieces(disk, path)
  if (bytes !== null) return bytes
  // A card that refuses everything refuses this probe file first: then nothing is given up, since everything may be
  // readable another day.
  const probe = `${path}.probe`
  await writeFileDurably(probe, Buffer.from('x'), { disk })
  await disk.unlink(probe)
  await disk.rename(path, `${path}.unreadable`)
  await disk.syncDirectory(dirname(path))
  return null
}

async function readPieces(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    const bytes = Buffer.alloc(await disk.size(path))
    const file = await disk.openExisting(path)
    try {
      return bytes.subarray(0, await readAround(file, bytes))
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return null
  }
}

export interface Meter {
  /** How often the medium was told to write out: the figure that wears a cheap card. */
  flushes: number
  bytesWritten: number
}

/** @returns A disk that does what `disk` does and counts it in `meter`. */
export function meteredDisk(disk: Disk, meter: Meter): Disk {
  return {
    // Each method is spelled out, since `disk` may be an object whose methods live on its class.
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
