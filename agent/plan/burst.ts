// After a change of state: the target that changed, what is akin to it, and a few of other kinds are looked at closely, and
// more rarely the longer nothing changes. Pure, and by the monotonic clock alone: a wall clock that is set meanwhile neither
// hurries nor stops it.

import { createHash } from 'node:crypto'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { entryKey, kindOf, ownerOf } from './kinship.ts'

/** A target whose state changed, by `entryKey`, in a cycle that began at `atMs` on the monotonic clock. */
export interface Change {
  readonly key: string
  readonly atMs: number
}

export interface Burst {
  /** Changes of the last hour, the newest last. */
  readonly changes: readonly Change[]
  /** Keys of the targets that it is about, the newest change first. */
  readonly about: readonly string[]
  /** Since when it grows rarer: the last change that was no flapping. Monotonic, as all times here. Milliseconds. */
  readonly sinceMs: number
  /** When its targets were last looked at. */
  readonly lookedMs: number
}

/** Two minutes is how closely a change is to be known; on average it is looked for every minute and a half. */
const closestMs = { least: 60_000, most: 120_000 }
/** So long nothing is spared. Each further stage lasts as long as all before it together, at twice the distance. */
const firstStageMs = 30 * 60_000
/** Of a schedule that starts every few hours too, an evening is enough. */
const longestMs = 4 * 3_600_000
/** More changes than this within an hour are flapping, of which every single one is no news. */
const changesOfFlapping = 6
const hourMs = 3_600_000

/** Most targets of one look. */
export const maxLookedAt = 8
/** Of these so many are of other kinds, one of each: where a block goes next cannot be told from where it began. */
const others = 2

/**
 * @param burst - null while there is none.
 * @param keys - Of the targets that changed in the cycle that began at `atMs`; may be none.
 * @param wasLookedAt - Whether that cycle measured what the burst is about.
 */
export function burstAfter(
  burst: Burst | null,
  keys: readonly string[],
  atMs: number,
  wasLookedAt: boolean,
): Burst | null {
  const recent = (burst?.changes ?? []).filter((each) => atMs - each.atMs < hourMs)
  const changes = [...recent, ...keys.map((key) => ({ key, atMs }))]
  if (keys.length === 0)
    return burst === null ? null : { ...burst, changes, lookedMs: wasLookedAt ? atMs : burst.lookedMs }
  const isNews = burst === null || keys.some((key) => countOf(changes, key) <= changesOfFlapping)
  const about = [...new Set([...keys, ...(burst?.about ?? [])])].slice(0, maxLookedAt)
  // A burst that begins looks at what is akin no later than a second time at what changed.
  const lookedMs = burst === null || wasLookedAt ? atMs : burst.lookedMs
  return { changes, about, sinceMs: isNews ? atMs : burst.sinceMs, lookedMs }
}

const countOf = (changes: readonly Change[], key: string) => changes.filter((each) => each.key === key).length

/** @returns How often each target that flaps has changed within the hour before `nowMs`, by `entryKey`. */
export function flapping(burst: Burst | null, nowMs: number): ReadonlyMap<string, number> {
  const recent = (burst?.changes ?? []).filter((each) => nowMs - each.atMs < hourMs)
  const counts = new Map(recent.map(({ key }) => [key, countOf(recent, key)]))
  return new Map([...counts].filter(([, count]) => count > changesOfFlapping))
}

/** Between which two instants the next look should begin; `withRounds`: with every round of the schedule instead. */
export type NextLook =
  | { readonly kind: 'between'; readonly leastMs: number; readonly atMs: number; readonly mostMs: number }
  | { readonly kind: 'with_rounds' }
  | { readonly kind: 'over' }

/**
 * @param roundMs - Milliseconds between two rounds of the schedule.
 * @param seed - Of the probe: the instants must not be foreseen.
 */
export function nextLook(burst: Burst, roundMs: number, nowMs: number, seed: string): NextLook {
  const ageMs = nowMs - burst.sinceMs
  const rarer = 2 ** stageOf(ageMs)
  const averageMs = (rarer * (closestMs.least + closestMs.most)) / 2
  const isRareAsRounds = averageMs >= roundMs
  const stagesBefore = rarer === 1 ? 0 : (rarer / 2) * firstStageMs
  const wereRareAsRounds = stagesBefore > 0 && averageMs / 2 >= roundMs
  if (ageMs >= longestMs || wereRareAsRounds) return { kind: 'over' }
  if (isRareAsRounds) return { kind: 'with_rounds' }
  const [least, most] = [closestMs.least * rarer, closestMs.most * rarer]
  const chance = createHash('sha256').update(`${seed} ${burst.lookedMs}`).digest().readUInt32BE(0) / 2 ** 32
  const { lookedMs } = burst
  return {
    kind: 'between',
    leastMs: lookedMs + least,
    atMs: lookedMs + least + Math.floor(chance * (most - least)),
    mostMs: lookedMs + most,
  }
}

/** 0 in the first half hour, 1 in the second, 2 in the second hour, 3 in the two after it. */
function stageOf(ageMs: number): number {
  return ageMs < firstStageMs ? 0 : Math.floor(Math.log2(ageMs / firstStageMs)) + 1
}

/**
 * What is looked at: what changed, what else is of its owner, one of each other owner of its kind, and one of a few other kinds.
 * Where there are more than find room they take turns; none has left the list.
 *
 * @param seed - Of the probe and the look.
 */
export function lookedAt(
  entries: readonly TestListEntry[],
  { about }: Pick<Burst, 'about'>,
  seed: string,
): TestListEntry[] {
  const byKey = new Map(entries.map((entry) => [entryKey(entry), entry]))
  const changed = about.flatMap((key) => byKey.get(key) ?? [])
  if (changed.length === 0) return []
  const rest = shuffled([...byKey.values()], seed).filter((entry) => !changed.includes(entry))
  const [owners, kinds] = [new Set(changed.map(ownerOf)), new Set(changed.map(kindOf))]
  const siblings = rest.filter((entry) => owners.has(ownerOf(entry)))
  const ofKind = rest.filter((entry) => !siblings.includes(entry) && kinds.has(kindOf(entry)))
  const foreign = rest.filter((entry) => !siblings.includes(entry) && !ofKind.includes(entry))
  const scouts = firstOfEach(foreign, kindOf).slice(0, others)
  const near = [...changed, ...siblings.slice(0, 1), ...firstOfEach(ofKind, ownerOf)]
  const all = [...near.slice(0, maxLookedAt - scouts.length), ...scouts, ...siblings, ...ofKind, ...foreign]
  return [...new Set([...all, ...near])].slice(0, maxLookedAt)
}

function shuffled(entries: readonly TestListEntry[], seed: string): TestListEntry[] {
  const hash = (entry: TestListEntry) =>
    createHash('sha256')
      .update(`${seed} ${entryKey(entry)}`)
      .digest('hex')
  return entries
    .map((entry) => ({ entry, hash: hash(entry) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ entry }) => entry)
}

function firstOfEach(
  entries: readonly TestListEntry[],
  nameOf: (entry: TestListEntry) => string,
): TestListEntry[] {
  return [...new Map([...entries].reverse().map((entry) => [nameOf(entry), entry])).values()]
}
