// What one cycle measures, and in which order. Pure: the same list and seed plan the same tasks.

import { createHash } from 'node:crypto'
import type { TestList, TestListEntry } from '../../tests-spec/lists/test-list.ts'

export interface Task {
  readonly nettest: TestListEntry['nettest']
  readonly input: string | null
  /** Of the entry, as the nettest's page describes them. Absent: the nettest has none, or its defaults hold. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly categoryCode: string
  /** Index into the list's resolvers; null when it names none. */
  readonly resolver: number | null
}

/**
 * @param seed - Different for each probe and cycle: the order must be no fingerprint, and no target may always be
 *   the last, when the power goes.
 */
export function planCycle(list: TestList, seed: string): Task[] {
  const digest = (label: string) => createHash('sha256').update(`${seed} ${label}`).digest()
  return list.entries
    .map((entry, index) => ({ entry, key: digest(`${index} ${entry.input}`) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry, key }) => ({
      nettest: entry.nettest,
      input: entry.input,
      ...('options' in entry && entry.options !== undefined && { options: entry.options }),
      categoryCode: entry.category_code,
      resolver: list.resolvers.length === 0 ? null : key.readUInt16BE(0) % list.resolvers.length,
    }))
}
