// Files that are whole or absent after a power cut. All files of the collector are written here, except the index,
// which can be made again.
//
// The order is: write a temporary file beside the place, fsync it, give it its name, fsync the folder. Without the
// first fsync, the name may come back with nothing behind it; without the second, the name may not come back at all.

import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Ending of the name of a file whose write a crash cut short; `Archive.open()` removes such files. */
export const temporarySuffix = '.tmp'

/**
 * Probe keys, tokens and measurements are for the account that the collector runs as, and for no other user of the
 * machine.
 */
const fileMode = 0o600
export const folderMode = 0o700

/**
 * Puts `bytes` at `path`, in place of what was there. When it resolves, the file survives a power cut.
 *
 * @throws The file system's error. `path` then holds the old content, or none, and never a part of the new one.
 */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = await writeTemporary(path, bytes)
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/**
 * Puts `bytes` at `path` unless a file exists there.
 *
 * @returns Whether this call made the file. Of several processes that try at once, exactly one gets true.
 */
export async function createDurably(path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = await writeTemporary(path, bytes)
  try {
    // link() refuses a name that is taken, which rename() does not.
    await link(temporary, path)
  } catch (error) {
    if (isTaken(error)) return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}

/**
 * Makes a folder and those above it, so that they survive a power cut together with the files in them. Node's own
 * `recursive` is not used: where the system answers ENOENT under a folder that exists (procfs), it never returns.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return
  const above = dirname(path)
  if (above !== path) await makeFolder(above)
  try {
    await mkdir(path, { mode: folderMode })
  } catch (error) {
    // Another process may have been faster.
    if (isTaken(error) && (await isFolder(path))) return
    throw error
  }
  await syncFolder(above)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Makes the changes of names in a folder durable: those that were added and those that were removed. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Milliseconds after which a temporary file is nobody's any more: commands that run meanwhile have written theirs. */
const forgottenMs = 10 * 60_000

/**
 * Removes what writes that were cut short have left in a folder.
 * @param now - Milliseconds since 1970.
 */
export async function clearForgotten(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\..+\.[0-9a-f]{12}\.tmp$/.test(name)) continue
    const path = join(folder, name)
    const found = await stat(path).catch(() => null)
    if (found !== null && now - found.mtimeMs > forgottenMs) await rm(path, { force: true })
  }
}

async function writeTemporary(path: string, bytes: Uint8Array): Promise<string> {
  const name = `.${basename(path)}.${randomBytes(6).toString('hex')}${temporarySuffix}`
  const temporary = join(dirname(path), name)
  const file = await open(temporary, 'wx', fileMode)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } catch (error) {
    // The part that was written must not go on filling a full disk.
    await rm(temporary, { force: true })
    throw error
  } finally {
    await file.close()
  }
  return temporary
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST'
}
