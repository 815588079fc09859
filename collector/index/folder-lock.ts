// One process a state folder: two would each settle a seq for themselves and sign for both contents. The lock is
// SQLite's own on an empty file, which the kernel takes back when the process dies, however it dies; a file with a
// process number in it would need someone to judge whether it is stale.

import { join } from 'node:path'
import { loadSqlite } from './sqlite.ts'

/** Another process works in this state folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
  readonly code = 'state_in_use'
}

export interface FolderLock {
  release(): void
}

/**
 * @throws {FolderInUse} When another process holds the folder.
 * @throws {SqliteMissing} Before Node.js 22.13.
 */
export function lockFolder(state: string): FolderLock {
  const { DatabaseSync } = loadSqlite()
  const database = new DatabaseSync(join(state, 'lock'))
  try {
    database.exec('begin exclusive')
  } catch (cause) {
    database.close()
    throw new FolderInUse(`Another sonde-collector works in ${state}`, { cause })
  }
  return { release: () => database.close() }
}
