// One process a state folder: two would each settle a seq for themselves and sign for both contents. The lock is
// SQLite's own on an empty file, which the kernel releases when the process dies, however it dies. With a file that
// holds a process number, it would have to be judged whether that number is stale.

import { join } from 'node:path'
import { forItsUserAlone } from './own-file.ts'
import { loadSqlite } from './sqlite.ts'

/** Another process uses this state folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
  readonly code = 'state_in_use'
}

export interface FolderLock {
  release(): void
}

/** SQLite's code when another connection holds the lock. */
const busy = 5

/**
 * @throws {FolderInUse} When another process holds the folder.
 * @throws {SqliteMissing} Before Node.js 22.13.
 * @throws {Error} `state_unusable`, when the lock cannot be used for any other reason.
 */
export function lockFolder(state: string): FolderLock {
  const { DatabaseSync } = loadSqlite()
  const path = join(state, 'lock')
  let database: InstanceType<typeof DatabaseSync> | null = null
  try {
    forItsUserAlone(path)
    database = new DatabaseSync(path)
    database.exec('begin exclusive')
  } catch (cause) {
    database?.close()
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === busy)
      throw new FolderInUse(`Another sonde-collector works in ${state}`, { cause })
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `Cannot lock ${path}: ${why}. It must be a file that this user may write to`
    throw Object.assign(new Error(message, { cause }), { code: 'state_unusable' })
  }
  const held = database
  return { release: () => held.close() }
}
