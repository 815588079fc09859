// Whole files that hold the old content or the new after a power cut, never half of each. The order of steps is
// litestream's: write beside, fsync, rename, fsync the folder. Apart from the spool's segments, the agent writes all
// its files here.

import { constants } from 'node:fs'
import { open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isNoFile, openRegular, readRegular } from './regular-file.ts'

/** An open file, with the few calls that durability needs. */
export interface DiskFile {
  /** @returns How many bytes were written. A full disk may take fewer than asked without an error. */
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>
  /** Resolves when the content, and what is needed to read it, is on the medium. */
  datasync(): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The calls made here, as an argument, so that tests can simulate a disk that fails. They reject with system errors.
 */
export interface AtomicDisk {
  /** Makes a new file, or empties the existing one. */
  create(path: string, mode: number): Promise<DiskFile>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  readFile(path: string): Promise<Buffer>
  readDirectory(path: string): Promise<string[]>
  /** Resolves when names that were made, changed or removed in the folder are on the medium. */
  syncDirectory(path: string): Promise<void>
}

/** The machine's own disk. */
export const nodeAtomicDisk: AtomicDisk = {
  create: (path, mode) => openRegular(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, mode),
  rename,
  unlink,
  readFile: readRegular,
  readDirectory: (path) => readdir(path),
  async syncDirectory(path) {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await folder.sync()
    } catch (error) {
      if (!isUnavailable(error)) throw error
      foldersAreFlushed = false
    } finally {
      await folder.close()
    }
  },
}

let foldersAreFlushed = true

/**
 * Whether every folder so far could be told to write out its names. Shared folders, CIFS and FUSE often cannot: a name may
 * then be lost in a power cut, which is a state of the machine and no failure.
 */
export function areFoldersFlushed(): boolean {
  return foldersAreFlushed
}

const unavailable = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

function isUnavailable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && unavailable.has(String(error.code))
}

/** Ending of a file's name while it is written. A file that still has it after a restart was never finished. */
const unfinished = '.tmp'

/**
 * Replaces `path` by `bytes`. Once this resolves, the new content survives a power cut.
 *
 * The caller must see to it that the folder exists, and that a path has one writer at a time.
 *
 * @param options.mode - Permissions of the file; by default only its owner may read it.
 * @throws The system's error. `path` then holds the old content or the new, whole in either case, and a power cut may
 * still turn the new into the old: write again before relying on it.
 */
export async function writeFileDurably(
  path: string,
  bytes: Uint8Array,
  options: { readonly mode?: number; readonly disk?: AtomicDisk } = {},
): Promise<void> {
  const disk = options.disk ?? nodeAtomicDisk
  // The sync comes before the rename: a name must never point at content that is not on the medium yet.
  await exchange(disk, path, bytes, options.mode, (file) => file.sync())
  // Without this, 25 of 40 replayed power cuts brought the old file back.
  await disk.syncDirectory(dirname(path))
}

/**
 * Replaces `path` by `bytes` and flushes nothing: a kill leaves the old content or the new; a power cut leaves one of
 * these or, on some file systems, a file that is empty or torn. Use it only for files whose reader notices that they
 * are not whole, and can do without them.
 *
 * A flush costs a cheap card an erased block each time, whatever the size. ext4, as it is usually mounted, still
 * writes the content of a file that replaces another before its name, within five seconds.
 *
 * @throws The system's error. `path` then holds the old content.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  options: { readonly mode?: number; readonly disk?: AtomicDisk } = {},
): Promise<void> {
  await exchange(options.disk ?? nodeAtomicDisk, path, bytes, options.mode, async () => {})
}

async function exchange(
  disk: AtomicDisk,
  path: string,
  bytes: Uint8Array,
  mode: number | undefined,
  beforeRename: (file: DiskFile) => Promise<void>,
): Promise<void> {
  const beside = path + unfinished
  try {
    const file = await disk.create(beside, mode ?? 0o600)
    try {
      await writeFully(file, bytes, 0)
      await beforeRename(file)
    } finally {
      await file.close()
    }
    await disk.rename(beside, path).catch(async (error) => {
      if (!isNoFile(error)) throw error
      await setAside(disk, path)
      await disk.rename(beside, path)
    })
  } catch (error) {
    // If this fails too, `removeLeftovers` does it at the next start. The file is not read in between.
    await disk.unlink(beside).catch(() => {})
    throw error
  }
}

/** Gives a folder that stands in the place of a file another name: what is in it is not ours to remove. */
export async function setAside(disk: AtomicDisk, path: string): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      return await disk.rename(path, `${path}${inTheWay}${n === 0 ? '' : `-${n}`}`)
    } catch (error) {
      // A name that is taken by a folder with something in it, or by a file.
      const code = error instanceof Error && 'code' in error ? error.code : null
      if (n >= mostInTheWay || (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR')) throw error
    }
  }
}

const inTheWay = '.in-the-way'
const mostInTheWay = 8

/**
 * Writes all of `bytes` at `position`, in as many calls as that takes. Does not sync.
 * @throws The system's error, or an `ENOSPC` of our own when the disk takes nothing more and does not say why.
 */
export async function writeFully(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0) {
      const full = new Error(`Disk took ${done} of ${bytes.length} bytes`)
      throw Object.assign(full, { code: 'ENOSPC', syscall: 'write' })
    }
    done += bytesWritten
  }
}

/** @returns The content of the file, or null when there is no such file. */
export async function readFileIfPresent(
  path: string,
  disk: AtomicDisk = nodeAtomicDisk,
): Promise<Buffer | null> {
  try {
    return await disk.readFile(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Removes `path`; it is no error if it is gone already. A power cut may undo the removal. */
export async function removeFile(path: string, disk: AtomicDisk = nodeAtomicDisk): Promise<void> {
  try {
    await disk.unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Removes what interrupted writes left in `dir`. To be called at the start, before anything is written there. */
export async function removeLeftovers(dir: string, disk: AtomicDisk = nodeAtomicDisk): Promise<void> {
  for (const name of await disk.readDirectory(dir)) {
    if (!name.endsWith(unfinished)) continue
    const path = join(dir, name)
    await removeFile(path, disk).catch((error) => {
      if (!isNoFile(error)) throw error
      return setAside(disk, path)
    })
  }
}

/** Whether an error of the system says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** EUCLEAN, by which ext4 and f2fs say that the medium does not hold what they wrote: libuv has no name for it. */
const unclean = 'Unknown system error -117'

/**
 * Whether an error comes from the disk and not from a fault in our own code. System errors carry names such as
 * ENOSPC; Node's own complaints about arguments are called ERR_….
 */
export function isDiskFailure(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    /^E[A-Z0-9]+$|^Unknown system error /.test(String(error.code))
  )
}

const sickness = new Set(['EROFS', 'ENOSPC', 'EDQUOT', 'EIO', unclean])

/**
 * Whether the medium is full, failing or read-only, which may pass; a path that is wrong or not ours does not count.
 */
export function isSick(error: unknown): boolean {
  return error instanceof Error && 'code' in error && sickness.has(String(error.code))
}

/** Whether there is no room left, either on the file system or within this user's quota. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}
