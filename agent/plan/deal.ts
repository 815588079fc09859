// Deals the entries of a list to the rounds of an interval. Pure: the same entries and seed are dealt the same, whatever
// their order in the list.

import { createHash } from 'node:crypto'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { entryKey, kindOf, ownerOf } from './kinship.ts'

/**
 * Lines up what tends to be blocked together, kind by kind and in it owner by owner, and deals it out one by one: of as many
 * neighbours as there are rounds no two share one, and no round has more than one entry more than another.
 *
 * @param rounds - At least 1.
 * @param seed - Of the probe: two on one network are to look at one target at different times.
 * @returns The round of each entry by `entryKey`, from 0.
 */
export function deal(
  entries: readonly TestListEntry[],
  rounds: number,
  seed: string,
): ReadonlyMap<string, number> {
  const hash = (label: string) => createHash('sha256').update(`${seed} ${label}`).digest('hex')
  const line = new Map(
    entries.map((entry) => {
      const [kind, owner, key] = [kindOf(entry), ownerOf(entry), entryKey(entry)]
      return [key, [hash(kind), hash(`${kind} ${owner}`), hash(key)].join(' ')] as const
    }),
  )
  const keys = [...line].sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key]) => key)
  const first = Number.parseInt(hash('first').slice(0, 8), 16) % rounds
  return new Map(keys.map((key, place) => [key, (first + place) % rounds]))
}
