// Whether a folder can be written at this moment, found out without writing: a command that only looks must leave a
// card that is dying, and a folder that is evidence, as they are.

import { accessSync, constants, readFileSync, realpathSync, statfsSync } from 'node:fs'

export type Unwritable = 'read_only' | 'full' | 'failing'

/** Bytes that a status file and its entry in the folder take; with less room, writing fails sooner or later. */
const leastRoomBytes = 8_192

/** @returns null when no obstacle is found, and also when this user may not write. */
export function whyUnwritable(path: string): Unwritable | null {
  try {
    accessSync(path, constants.W_OK)
  } catch (error) {
    if (isCode(error, 'EROFS')) return 'read_only'
    if (isCode(error, 'EIO')) return 'failing'
  }
  return whyByMount(path) ?? (isFull(path) ? 'full' : null)
}

/** On some kernels, access(2) reports no problem for a file system that turned read-only after an error. */
function whyByMount(path: string): Unwritable | null {
  try {
    return whyByMountInfo(readFileSync('/proc/self/mountinfo', 'latin1'), realpathSync(path))
  } catch {
    // The file does not exist, or is hidden from this user: access(2) has told all that can be known.
    return null
  }
}

/**
 * @param mountInfo - In the form of proc_pid_mountinfo(5): options of the mount, then those of the file system.
 * @param path - Absolute, without symbolic links.
 */
export function whyByMountInfo(mountInfo: string, path: string): Unwritable | null {
  let options: readonly string[] = []
  let longest = -1
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const fields = before.split(' ')
    const point = unescaped(fields[4] ?? '')
    const isAbove = point === '/' || path === point || path.startsWith(`${point}/`)
    // Of two mounts on one folder, the later one covers the earlier.
    if (point === '' || !isAbove || point.length < longest) continue
    longest = point.length
    options = [...(fields[5] ?? '').split(','), ...(after.split(' ')[2] ?? '').split(',')]
  }
  if (options.includes('shutdown')) return 'failing'
  return options.includes('ro') || options.includes('emergency_ro') ? 'read_only' : null
}

/** Blanks in the field are written as `\040`. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function isFull(path: string): boolean {
  try {
    const { bavail, bfree, bsize, files, ffree } = statfsSync(path)
    // Root may also use the blocks that are kept for root.
    const free = process.getuid?.() === 0 ? bfree : bavail
    // File systems without a table of files report 0 of 0.
    return free * bsize < leastRoomBytes || (files > 0 && ffree === 0)
  } catch {
    return false
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
