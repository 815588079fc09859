// What one cycle leaves for the next, across restarts: the state of the link, so that "down since" is right, and the last
// verdict on each target, so that an unchanged one is kept in brief. Losing the file costs a few bytes, never a
// result, and so it is not flushed: with status.json that would be four flushes a cycle, and a cheap card should be
// asked for 300 a day at most. Targets and controls stand in it by their ids: it stays when everything is uploaded.

import * as v from 'valibot'
import { linkState, unknownLink, verdictKinds } from '../../tests-spec/nettests/verdict.ts'
import { opaqueId } from '../measurement/opaque-id.ts'
import { type ControlMemory, controlMemory } from '../nettests/control-memory.ts'
import type { AtomicDisk } from '../platform/atomic-file.ts'
import { readStateFile, replaceStateFile } from '../platform/state-file.ts'
import { Cuts } from './cuts.ts'
import type { Memory } from './cycle.ts'
import { noneWaiting } from './waiting.ts'

const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/))

/** A memory that an older agent kept in plain words is not believed, and so does not stay. */
const memoryFile = v.object({
  link: linkState,
  history: v.record(
    id,
    v.object({
      conclusion: id,
      fullOn: v.string(),
      state: v.optional(v.picklist(verdictKinds)),
      parts: v.optional(v.record(v.string(), v.picklist(verdictKinds))),
      chains: v.optional(v.record(v.string(), v.string())),
    }),
  ),
  /** Left out by older agents. */
  controls: v.optional(v.intersect([controlMemory, v.record(id, v.unknown())]), {}),
})

const nothing = (): Memory => ({
  link: unknownLink,
  history: {},
  controls: {},
  waiting: noneWaiting,
  cuts: new Cuts(),
})

/**
 * @param controls - URLs of the controls that there are: of others nothing is remembered.
 * @returns The memory; an empty one when there is no file, or none that can be believed.
 */
export async function readMemory(path: string, controls: readonly string[]): Promise<Memory> {
  const kept = await readStateFile(path, memoryFile)
  if (kept === null) return nothing()
  const urls = new Map(controls.map((url) => [opaqueId(url), url]))
  return { ...nothing(), ...kept, controls: renamed(kept.controls, (each) => urls.get(each)) }
}

/**
 * A kill leaves the old memory or this one; a power cut may leave the old one, or none.
 * @throws The disk's error.
 */
export async function writeMemory(path: string, memory: Memory, disk?: AtomicDisk): Promise<void> {
  const { link, history, controls } = memory
  const kept = { link, history, controls: renamed(controls, opaqueId) }
  await replaceStateFile(path, kept, disk === undefined ? {} : { disk })
}

/** @param to - Gives undefined for what is left out. */
function renamed(controls: ControlMemory, to: (name: string) => string | undefined): ControlMemory {
  const entries = Object.entries(controls).flatMap(([name, each]) => {
    const other = to(name)
    return other === undefined ? [] : [[other, each] as const]
  })
  return Object.fromEntries(entries)
}
