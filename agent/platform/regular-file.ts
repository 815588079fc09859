// Opens regular files, and nothing else: a pipe has no end and may have no writer, a device does what opening tells it to. In
// place of a file, either would hold up the agent, and no signal would end it. Everything in the state folder is opened here.

import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'

/** How BSD calls it; Linux has no name for it. */
const wrongType = 'EFTYPE'

function noRegularFile(path: string): Error {
  const error = new Error(`${wrongType}: no regular file, open '${path}'`)
  return Object.assign(error, { code: wrongType, syscall: 'open', path })
}

/** Whether there is something else where a file should be: a folder, a pipe, a socket, a device. */
export function isNoFile(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return code === wrongType || code === 'EISDIR'
}

/**
 * @param flags - As for open(2); O_NONBLOCK is added.
 * @throws The system's error, or one with the code EFTYPE for what is neither a regular file nor a folder.
 */
export async function openRegular(path: string, flags: number, mode?: number): Promise<FileHandle> {
  // Looked at beforehand as well: opening alone starts a watchdog, and winds a tape.
  const before = await stat(path).catch(() => null)
  if (before !== null && !before.isFile() && !before.isDirectory()) throw noRegularFile(path)
  const file = await open(path, flags | constants.O_NONBLOCK, mode)
  const found = await file.stat()
  if (found.isFile() || found.isDirectory()) return file
  await file.close()
  throw noRegularFile(path)
}

export async function readRegular(path: string): Promise<Buffer> {
  const file = await openRegular(path, constants.O_RDONLY)
  try {
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** As `openRegular()`. @returns A descriptor. */
export function openRegularSync(path: string, flags: number, mode?: number): number {
  const before = statSync(path, { throwIfNoEntry: false })
  if (before !== undefined && !before.isFile() && !before.isDirectory()) throw noRegularFile(path)
  const descriptor = openSync(path, flags | constants.O_NONBLOCK, mode)
  const found = fstatSync(descriptor)
  if (found.isFile() || found.isDirectory()) return descriptor
  closeSync(descriptor)
  throw noRegularFile(path)
}

export function readRegularSync(path: string): Buffer {
  const descriptor = openRegularSync(path, constants.O_RDONLY)
  try {
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
