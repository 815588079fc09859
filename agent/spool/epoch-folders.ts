// The folders of records, one for each epoch that has some: who looks in `records/` finds them here.

import { join } from 'node:path'
import type { Disk } from './log/disk.ts'

/** @returns The epochs of which there is a folder. What else stands there is none of the spool's. */
export async function epochsIn(disk: Disk, records: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await disk.readDirectory(records)) {
    if (/^[0-9a-f]{18}$/.test(name) && (await isFolder(disk, join(records, name)))) found.push(name)
  }
  return found
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.readDirectory(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return false
    throw error
  }
}
