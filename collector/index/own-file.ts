// SQLite makes its files for everyone to read; those that are there already it leaves as they are, and makes what it puts
// beside them alike.

import { chmodSync, closeSync, openSync } from 'node:fs'

/** Makes an empty file that only its user can read, or takes what is there from all others. */
export function forItsUserAlone(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  try {
    chmodSync(path, 0o600)
  } catch (error) {
    // The file of another user that this one may write to: whether it is read is not ours to say.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}
