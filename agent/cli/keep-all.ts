// The end of a command that measured: what no disk took is said to be lost, with a count and an exit code.

import { ActionableError } from '../platform/actionable-error.ts'
import type { Spool } from '../spool/spool.ts'

/**
 * What a disk refuses waits in memory, and this process ends now.
 * @throws {ActionableError} `results_lost`.
 */
export async function keepAll(spool: Spool): Promise<void> {
  await spool.flush()
  const { inMemory } = spool.stats()
  if (inMemory === 0) return
  throw new ActionableError(
    'results_lost',
    `${inMemory} results could not be kept: they were in memory only, and are lost now, as this command ends. The disk of the state folder is full, read-only or failing, or what is in that folder is another user's: put that right, then measure again.`,
  )
}
