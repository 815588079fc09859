// Opens the file of an index to read it, beside the collector that writes it, and also where nothing can be written: on a
// backup that is mounted read-only, or in a folder of another user.

import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { IndexUnreadable } from './index-unreadable.ts'
import { loadSqlite } from './sqlite.ts'

/**
 * SQLite keeps what readers and writer agree on in a file beside an index like this, and makes it when it is missing. Where it
 * cannot, it is told that nothing will change; that is true, since no collector can work there either.
 *
 * @throws {IndexUnreadable} When nothing can be written there and the last changes are not in the file yet.
 * @throws SQLite's error for any other reason.
 */
export function openToRead(path: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite()
  const options = { readOnly: true }
  try {
    return tried(new DatabaseSync(path, options))
  } catch (error) {
    if (isWritable(dirname(path))) throw error
    try {
      if (sizeOf(`${path}-wal`) > 0) throw error
      const url = pathToFileURL(path)
      url.search = 'immutable=1'
      return tried(new DatabaseSync(url, options))
    } catch {
      // Node.js before 22.15 takes no URL.
      throw new IndexUnreadable(
        path,
        error,
        'Copy the state folder to a disk that can be written to, and name the copy with --state DIR',
      )
    }
  }
}

/** What is wrong with a file shows with the first question. */
function tried(database: DatabaseSync): DatabaseSync {
  try {
    database.prepare('pragma user_version').get()
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** 0 for a file that is not there. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
