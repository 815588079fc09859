// What a list changes, and what it costs a device. Pure.

import { type Gated, type GroupList, passGate } from '../../tests-spec/lists/group-list.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'

type Entry = GroupList['entries'][number]

export interface Difference {
  readonly added: readonly Entry[]
  readonly removed: readonly Entry[]
  /** Measured as before, under another category, with other options, or with another note. */
  readonly changed: readonly Entry[]
  readonly campaigns: boolean
}

/** @param before - null where none is out. */
export function differenceOf(before: GroupList | null, after: GroupList | null): Difference {
  const old = new Map((before?.entries ?? []).map((entry) => [keyOf(entry), entry]))
  const now = new Map((after?.entries ?? []).map((entry) => [keyOf(entry), entry]))
  const isOther = (a: Entry, b: Entry | undefined) =>
    b !== undefined && JSON.stringify(a) !== JSON.stringify(b)
  return {
    added: [...now].filter(([key]) => !old.has(key)).map(([, entry]) => entry),
    removed: [...old].filter(([key]) => !now.has(key)).map(([, entry]) => entry),
    changed: [...now].filter(([key, entry]) => isOther(entry, old.get(key))).map(([, entry]) => entry),
    campaigns: JSON.stringify(before?.campaigns ?? []) !== JSON.stringify(after?.campaigns ?? []),
  }
}

export function isNothing({ added, removed, changed, campaigns }: Difference): boolean {
  return added.length + removed.length + changed.length === 0 && !campaigns
}

/**
 * What a device leaves out, without any consent of its host.
 * @param core - null where it is not known.
 */
export function leftOutOf(list: GroupList | null, core: TestList | null): Gated['leftOut'] {
  return list === null || core === null ? {} : passGate(list, core, new Set()).leftOut
}

/**
 * What one look at a page costs on the device's line, headers of IP, TCP and UDP included, DNS, TLS and its share of the controls
 * with it: counted in the lab (test/rounds), where pages are small, and with the most that is read of a page. In bytes.
 */
export const pageBytes = { least: 7_200, most: 7_200 + 16_384 + 1_000 }
/** Every 15 minutes. */
const looksADay = 96

export interface Cost {
  readonly leastBytesADay: number
  readonly mostBytesADay: number
}

/** @param more - Number of pages that are measured, less those that are no more. */
export function costOf(more: number): Cost {
  return {
    leastBytesADay: more * pageBytes.least * looksADay,
    mostBytesADay: more * pageBytes.most * looksADay,
  }
}

const keyOf = ({ nettest, input }: Entry) => `${nettest} ${input}`
