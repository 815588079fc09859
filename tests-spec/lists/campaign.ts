// What a campaign of a group's list comes to on a device: campaigns.md. Pure.

import type { Gated, GroupList } from './group-list.ts'
import type { TestList, TestListEntry } from './test-list.ts'

/** A campaign with its targets, as far as they passed the gate. */
export interface Campaign {
  /** `GROUP/NAME`. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
  readonly everyMs: number
  readonly entries: readonly TestListEntry[]
}

/** A device measures four at once, and what is silent takes some ten seconds: a campaign asks for no more than it can do. */
export const leastMsForEach = 3_000

/**
 * @param passed - What of the list passes the gate.
 * @returns Its campaigns, but for those that none of its targets is left of.
 */
export function campaignsOf(list: GroupList, passed: Gated, core: TestList): Campaign[] {
  const measured = [...core.entries, ...passed.entries]
  const own = new Set(list.entries.map(keyOf))
  return list.campaigns.flatMap(({ name, from, to, every_minutes, inputs }) => {
    const named = new Set(inputs)
    const isIn = (entry: TestListEntry) =>
      inputs === undefined ? own.has(keyOf(entry)) : named.has(entry.input ?? entry.nettest)
    const entries = measured.filter(isIn)
    if (entries.length === 0) return []
    const everyMs = Math.max(every_minutes * 60_000, entries.length * leastMsForEach)
    return [
      { name: `${list.name}/${name}`, fromMs: Date.parse(from), toMs: Date.parse(to), everyMs, entries },
    ]
  })
}

const keyOf = ({ nettest, input }: TestListEntry) => `${nettest} ${input}`
