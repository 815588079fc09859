// A folder may be exchanged under an agent that runs: a file system is mounted over it, or another is moved to its place. What
// the agent knows is of the folder that it opened, and nothing of it is written into another.

import type { AtomicDisk } from './atomic-file.ts'

/**
 * @param place - Of the folder in which everything is that is asked of the disk.
 * @returns The same disk; it refuses each call on a path, with ESTALE, once another folder is there. What is open stays usable.
 */
export function inPlace<D extends AtomicDisk>(disk: D, place: { isStill(): boolean }): D {
  const guarded = Object.entries(disk).map(([name, call]) => [
    name,
    async (...given: unknown[]) => {
      if (!place.isStill()) throw stale(name)
      return call(...given)
    },
  ])
  return Object.fromEntries(guarded)
}

function stale(syscall: string): Error {
  return Object.assign(new Error(`ESTALE: the state folder is another one than at the start, ${syscall}`), {
    code: 'ESTALE',
    syscall,
  })
}
