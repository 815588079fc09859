// What one cycle leaves for the next, across restarts: the state of the link, so that "down since" is right, and the last
// verdict on each target, so that an unchanged one is kept in brief. Losing the file costs a few bytes, never a
// result, and so it is not flushed: with status.json that would be four flushes a cycle, and a cheap card should be
// asked for 300 a day at most.

import * as v from 'valibot'
import { linkState, unknownLink, verdictKinds } from '../../tests-spec/nettests/verdict.ts'
import { controlMemory } from '../nettests/control-memory.ts'
import type { AtomicDisk } from '../platform/atomic-file.ts'
import { readStateFile, replaceStateFile } from '../platform/state-file.ts'
import { Cuts } from './cuts.ts'
import type { Memory } from './cycle.ts'
import { noneWaiting } from './waiting.ts'

const memoryFile = v.object({
  link: linkState,
  history: v.record(
    v.string(),
    v.object({
      conclusion: v.string(),
      fullOn: v.string(),
      state: v.optional(v.picklist(verdictKinds)),
      parts: v.optional(v.record(v.string(), v.picklist(verdictKinds))),
      chains: v.optional(v.record(v.string(), v.string())),
    }),
  ),
  /** Left out by older agents. */
  controls: v.optional(controlMemory, {}),
})

const nothing = (): Memory => ({
  link: unknownLink,
  history: {},
  controls: {},
  waiting: noneWaiting,
  cuts: new Cuts(),
})

/** @returns The memory; an empty one when there is no file, or none that can be believed. */
export async function readMemory(path: string): Promise<Memory> {
  const kept = await readStateFile(path, memoryFile)
  return { ...nothing(), ...kept }
}

/**
 * A kill leaves the old memory or this one; a power cut may leave the old one, or none.
 * @throws The disk's error.
 */
export async function writeMemory(path: string, memory: Memory, disk?: AtomicDisk): Promise<void> {
  const { link, history, controls } = memory
  await replaceStateFile(path, { link, history, controls }, disk === undefined ? {} : { disk })
}
