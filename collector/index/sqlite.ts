// Loads `node:sqlite`, which not every Node.js has that can load this file, and which prints a warning where it
// exists.

import type { DatabaseSync } from 'node:sqlite'

type Sqlite = { DatabaseSync: typeof DatabaseSync }

/** This Node.js has no `node:sqlite`. Everything but the index works without it. */
export class SqliteMissing extends Error {
  override readonly name = 'SqliteMissing'
  readonly code = 'node_too_old'
}

/**
 * @returns The module. It is not imported at the top of a file, because a Node.js without it would then fail to load
 * the whole program instead of doing without an index.
 * @throws {SqliteMissing} Before 22.13.
 */
export function loadSqlite(): Sqlite {
  const sqlite = withoutSqliteWarning(() => process.getBuiltinModule?.('node:sqlite') as Sqlite | undefined)
  if (sqlite === undefined) {
    throw new SqliteMissing(`node:sqlite needs Node.js 22.13 or newer, this is ${process.versions.node}`)
  }
  return sqlite
}

/**
 * Node.js 22 and 24 print that the module is experimental each time a process loads it. That is acceptable here: the
 * index can be made again, and an operator who sees a warning at every start stops reading warnings. All other
 * warnings still appear.
 */
function withoutSqliteWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    if (!String(warning).includes('SQLite is an experimental feature')) emitWarning(warning, ...rest)
  }) as typeof process.emitWarning
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
