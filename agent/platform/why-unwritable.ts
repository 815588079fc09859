// Whether a folder can be written at this moment, found out without writing: somebody who only looks must leave a card
// that is dying, and a folder that is evidence, as they are.

import { accessSync, constants, readFileSync, realpathSync, statfsSync } from 'node:fs'

export type Unwritable = 'read_only' | 'full' | 'failing'

/** A status and its place in the folder take about as much; with less left, writing fails sooner or later. */
const leastRoomBytes = 8_192

/** @returns null when nothing speaks against writing, and when this user may not. */
export function whyUnwritable(path: string): Unwritable | null {
  try {
    accessSync(path, constants.W_OK)
  } catch (error) {
    if (isCode(error, 'EROFS')) return 'read_only'
    if (isCode(error, 'EIO')) return 'failing'
  }
  return whyByMount(path) ?? (isFull(path) ? 'full' : null)
}

/** A file system that turned read-only after an error tells access(2) on some kernels that all is well. */
function whyByMount(path: string): Unwritable | null {
  try {
    return whyByMountInfo(readFileSync('/proc/self/mountinfo', 'latin1'), realpathSync(path))
  } catch {
    // Not there, or hidden from this user: access(2) has said what can be known.
    return null
  }
}

/**
 * @param mountInfo - As proc_pid_mountinfo(5) has it: options of the mount, then those of the file system.
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
    // Of two mounts on one folder the later one lies on top.
    if (point === '' || !isAbove || point.length < longest) continue
    longest = point.length
    options = [...(fields[5] ?? '').split(','), ...(after.split(' ')[2] ?? '').split(',')]
  }
  if (options.includes('shutdown')) return 'failing'
  return options.includes('ro') || options.includes('emergency_ro') ? 'read_only' : null
}

/** Blanks in it are written as `\040`. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function isFull(path: string): boolean {
  try {
    const { bavail, bfree, bsize, files, ffree } = statfsSync(path)
    // The blocks kept for root are room for root.
    const free = process.getuid?.() === 0 ? bfree : bavail
    // File systems without a table of files say 0 of 0.
    return free * bsize < leastRoomBytes || (files > 0 && ffree === 0)
  } catch {
    return false
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
