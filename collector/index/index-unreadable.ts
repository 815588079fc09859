// What SQLite says of a file that has rotted under it, as one error that says what to do: the archive has everything that
// was in it.

/** The index cannot be read as it is. */
export class IndexUnreadable extends Error {
  override readonly name = 'IndexUnreadable'
  readonly code = 'no_index'

  /** @param advice - What to do about it, without a full stop. */
  constructor(path: string, cause: unknown, advice: string) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`Cannot read the index ${path}: ${why}. ${advice}`, { cause })
  }
}

/** SQLite's codes for a page that cannot be read, one that makes no sense, and a file that is no database. */
const damaged = new Set([10, 11, 26])

/** @throws {IndexUnreadable} When the file is damaged where `read` looked. */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error)) throw error
    // An extended code has the plain one in its last byte.
    if (!damaged.has(Number(error.errcode) & 0xff)) throw error
    throw new IndexUnreadable(
      path,
      error,
      'Stop the collector and give rebuild-index, which makes it again from the batch files',
    )
  }
}
