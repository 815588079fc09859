// What one cycle leaves for the next, across restarts: the state of the link, so that "down since" is right, and the
// last word on each target, so that an unchanged one is kept in brief. Losing it costs a few bytes, never a result.

import * as v from 'valibot'
import { linkState, unknownLink, verdictKinds } from '../tests-spec/nettests/verdict.ts'
import type { Memory } from './cycle.ts'
import { readFileIfPresent, writeFileDurably } from './platform/atomic-file.ts'

const memoryFile = v.object({
  link: linkState,
  history: v.record(
    v.string(),
    v.object({
      conclusion: v.string(),
      fullOn: v.string(),
      state: v.optional(v.picklist(verdictKinds)),
      chains: v.optional(v.record(v.string(), v.string())),
    }),
  ),
})

const nothing: Memory = { link: unknownLink, history: {} }

/** @returns An empty memory when there is none, or none that can be read. */
export async function readMemory(path: string): Promise<Memory> {
  const bytes = await readFileIfPresent(path)
  if (bytes === null) return nothing
  try {
    const parsed = v.safeParse(memoryFile, JSON.parse(bytes.toString('utf8')))
    return parsed.success ? parsed.output : nothing
  } catch {
    return nothing
  }
}

export async function writeMemory(path: string, memory: Memory): Promise<void> {
  await writeFileDurably(path, Buffer.from(JSON.stringify(memory)))
}
