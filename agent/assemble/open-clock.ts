// Opens the clock of a state folder, which goes on from what the last run knew of the time.

import type { AtomicDisk } from '../platform/atomic-file.ts'
import type { MachineClocks } from '../platform/clock.ts'
import { type ClockMemory, readClockMemory, writeClockMemory } from '../platform/clock-memory.ts'
import { errorWord } from '../platform/error-word.ts'
import type { Log } from '../platform/log.ts'
import type { StateFolder } from '../platform/state-folder.ts'
import { WatchedClock } from '../platform/watched-clock.ts'
import { buildDateMs } from '../version.ts'

/** The caller holds the lock of `folder`. */
export async function openClock(
  folder: StateFolder,
  machine: MachineClocks,
  log: Pick<Log, 'info' | 'warn'>,
  disk?: AtomicDisk,
): Promise<WatchedClock> {
  return new WatchedClock(machine, {
    buildDateMs,
    memory: await readClockMemory(folder.clock),
    remember: inOrder((memory) => writeClockMemory(folder.clock, memory, disk), log),
    log: (level, code, fields) => log[level](code, fields),
  })
}

/**
 * Writes the memory one version at a time, the newest last. The agent does not wait for it: if a version is lost, the
 * next start only guesses the time less well.
 */
function inOrder(
  write: (memory: ClockMemory) => Promise<void>,
  log: Pick<Log, 'warn'>,
): (memory: ClockMemory) => void {
  let last: Promise<void> = Promise.resolve()
  return (memory) => {
    last = last.then(() => write(memory)).catch((error) => log.warn('S6901', { error: errorWord(error) }))
  }
}
