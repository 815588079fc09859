// What this probe says of itself in each manifest: its heartbeat, what became of orders, and the log that one asked for.

import { heartbeatOf, type Pulse } from '../health/heartbeat.ts'
import { enclosedLog } from '../orders/enclosed-log.ts'
import type { OrderBook } from '../orders/order-book.ts'
import { freeMegabytes, machineState } from '../platform/machine-state.ts'
import type { StateFolder } from '../platform/state-folder.ts'
import type { Speaker } from '../spool/batches/seal.ts'

/** What of the pulse others know. */
type Known = Omit<Pulse, 'rssBytes' | 'freeMb' | 'machine'>

export function speakerOf(
  folder: Pick<StateFolder, 'path' | 'log'>,
  book: OrderBook,
  known: () => Known,
): Speaker {
  return {
    say() {
      const heartbeat = heartbeatOf({
        ...known(),
        rssBytes: process.memoryUsage.rss(),
        freeMb: freeMegabytes(folder.path),
        machine: machineState(),
      })
      const { owed } = book
      const log = owed.log ? enclosedLog(folder.log) : null
      return {
        words: {
          heartbeat,
          ...(owed.answers.length > 0 && { answers: owed.answers }),
          ...(log !== null && { log }),
        },
        isOwed: owed.answers.length > 0 || owed.log,
        sealed: () => book.answered(owed),
      }
    },
  }
}
