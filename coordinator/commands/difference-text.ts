// What a list changes and costs, as it is shown before anything is signed. Pure.

import type { GroupList } from '../../tests-spec/lists/group-list.ts'
import { costOf, type Difference, type leftOutOf } from '../lists/difference.ts'
import type { Words } from '../words/words.ts'

export interface Shown {
  readonly group: string
  /** Version that is out; 0 for none. */
  readonly version: number
  readonly after: GroupList | null
  readonly difference: Difference
  readonly leftOut: ReturnType<typeof leftOutOf>
  /** Of lint, and of which file; null where no file was read. */
  readonly warnings: { readonly count: number; readonly path: string } | null
}

/** Longer lists are shown by their beginning: `--json` has them whole. */
const shownEntries = 12

export function differenceText(words: Words, shown: Shown): string {
  const { group, version, difference, leftOut, warnings } = shown
  const { added, removed, changed, campaigns } = difference
  const numbers = [
    ...(added.length > 0 ? [words.added(added.length)] : []),
    ...(removed.length > 0 ? [words.removed(removed.length)] : []),
    ...(changed.length > 0 ? [words.changed(changed.length)] : []),
    ...(campaigns ? [words.campaignsChanged()] : []),
  ]
  const { no_consent: consent = 0, repeated = 0, ...others } = leftOut
  const notes = [
    ...costNotes(words, shown),
    ...(consent > 0 ? [words.needConsent(consent)] : []),
    ...(repeated > 0 ? [words.inCore(repeated)] : []),
    ...Object.entries(others).map(([code, count]) => words.leftOut(count, code)),
    ...(warnings !== null && warnings.count > 0 ? [words.warnings(warnings.count, warnings.path)] : []),
  ]
  return [
    `${words.listOf(group)}: ${words.outVersion(version)}`,
    ...entryLines('+', added),
    ...entryLines('-', removed),
    ...entryLines('~', changed),
    ...(numbers.length > 0 ? [numbers.join(', ')] : []),
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n')
}

export function differenceJson({ difference, leftOut, warnings }: Shown) {
  const { leastBytesADay, mostBytesADay } = costOf(pages(difference, leftOut))
  return {
    added: difference.added.map(({ input }) => input),
    removed: difference.removed.map(({ input }) => input),
    altered: difference.changed.map(({ input }) => input),
    campaigns_changed: difference.campaigns,
    left_out: leftOut,
    warnings: warnings?.count ?? 0,
    bytes_a_day: { least: leastBytesADay, most: mostBytesADay },
  }
}

function costNotes(words: Words, { difference, leftOut }: Shown): string[] {
  const more = pages(difference, leftOut)
  if (more === 0) return []
  const { leastBytesADay, mostBytesADay } = costOf(more)
  const range = (days: number) =>
    `${megabytes(leastBytesADay * days)} – ${megabytes(mostBytesADay * days)} MB`
  return [words.costs(range(30), range(1))]
}

/** What devices leave out costs nothing; it is taken off what is added, as far as that goes. */
function pages({ added, removed }: Difference, leftOut: Shown['leftOut']): number {
  const out = Object.values(leftOut).reduce((sum, count) => sum + count, 0)
  return Math.max(0, added.length - out) - removed.length
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6
  const text = Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(1)
  return value > 0 ? `+${text}` : text
}

function entryLines(sign: string, entries: Shown['difference']['added']): string[] {
  const lines = entries
    .slice(0, shownEntries)
    .map(({ input, category_code }) => `  ${sign} ${input ?? ''}  ${category_code}`)
  const rest = entries.length - shownEntries
  return rest > 0 ? [...lines, `  ${sign} … ${rest}`] : lines
}
