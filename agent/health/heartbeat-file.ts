// A sign of life for a watchdog outside: a file that is written after each step that is finished, and never by a timer, which
// would go on beating in an agent that hangs. Its place is in memory (a RuntimeDirectory), so that no card wears.

import { uptime } from 'node:os'
import { replaceFile } from '../platform/atomic-file.ts'

/** Milliseconds: watchdogs look every few minutes. */
const leastApartMs = 10_000

/**
 * @param path - null beats nowhere.
 * @param monotonicMs - For how often it is written.
 * @param uptimeSeconds - What is written: seconds since the boot, which no setting of a clock changes.
 * @returns Called after each step. Never rejects: where the place is gone or full, measuring goes on without a watchdog.
 */
export function heartbeatFile(
  path: string | null,
  monotonicMs: () => number,
  uptimeSeconds: () => number = uptime,
): () => Promise<void> {
  let lastMs = Number.NEGATIVE_INFINITY
  return async () => {
    const now = monotonicMs()
    if (path === null || now - lastMs < leastApartMs) return
    lastMs = now
    await replaceFile(path, Buffer.from(`${Math.floor(uptimeSeconds())}\n`)).catch(() => {})
  }
}
