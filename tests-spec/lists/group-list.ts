// What a group's key may add to what its devices measure: group-list.md. Data, never code; and a device looks through it by itself
// before it measures any of it.

import * as v from 'valibot'
import { faultsOf } from '../command-line/value-faults.ts'
import { isBogon } from '../nettests/bogon.ts'
import { hostOfUrl, isIpLiteral } from '../nettests/host-text.ts'
import { categories, needsConsent } from './category.ts'
import { isPrivateName, isWebPort } from './public-target.ts'
import { type TestList, TestListRefused, testListEntry } from './test-list.ts'

/** More than a device has time for in six hours, four at once. */
export const maxGroupEntries = 2_000
const maxCampaigns = 32

const moment = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.regex(/Z$/, 'expected UTC, such as 2026-11-28T06:00:00Z'),
)

/** A time at which some entries are measured more often, which begins and ends by itself. */
export const campaign = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,40}$/)),
    from: moment,
    to: moment,
    every_minutes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_440)),
    /** Inputs of entries of this list or of the core list; absent: all of this list. */
    inputs: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(200))),
  }),
  v.check(({ from, to }) => Date.parse(from) < Date.parse(to), 'expected "to" after "from"'),
)
export type Campaign = v.InferOutput<typeof campaign>

export const groupList = v.strictObject({
  v: v.literal(1),
  name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,40}$/)),
  entries: v.pipe(v.array(testListEntry), v.maxLength(maxGroupEntries)),
  campaigns: v.optional(v.pipe(v.array(campaign), v.maxLength(maxCampaigns)), []),
})
export type GroupList = v.InferOutput<typeof groupList>

/** @throws {TestListRefused} With every bad field by its path. */
export function parseGroupList(json: unknown): GroupList {
  const parsed = v.safeParse(groupList, json)
  if (parsed.success) return parsed.output
  const faults = faultsOf(groupList, parsed.issues).map(({ place, what }) => `${place}: ${what}`)
  throw new TestListRefused(`Cannot read group list: ${faults.join('; ')}`)
}

/** Why an entry of a group's list is not measured. Stable. */
export type GateCode =
  | 'no_public_host'
  | 'odd_port'
  | 'unknown_category'
  | 'no_consent'
  | 'needs_core'
  | 'repeated'

export interface Gated {
  readonly entries: GroupList['entries']
  /** Number of entries that were left out, by reason. */
  readonly leftOut: Readonly<Partial<Record<GateCode, number>>>
}

/**
 * What of a group's list a device measures: what is public, is not measured already, and what its host has agreed to.
 *
 * @param consented - Categories that the host has agreed to, of those that need it.
 */
export function passGate(list: GroupList, core: TestList, consented: ReadonlySet<string>): Gated {
  const known = new Set(core.entries.map(keyOf))
  const leftOut: Partial<Record<GateCode, number>> = {}
  const entries = list.entries.filter((entry) => {
    const code = known.has(keyOf(entry)) ? 'repeated' : whyNot(entry, consented)
    known.add(keyOf(entry))
    if (code !== null) leftOut[code] = (leftOut[code] ?? 0) + 1
    return code === null
  })
  return { entries, leftOut }
}

const keyOf = ({ nettest, input }: GroupList['entries'][number]) => `${nettest} ${input}`

function whyNot(
  { nettest, input, category_code: category }: GroupList['entries'][number],
  consented: ReadonlySet<string>,
): GateCode | null {
  if (!categories.has(category)) return 'unknown_category'
  if (needsConsent(category) && !consented.has(category)) return 'no_consent'
  // Services, resolvers and hosts to speak other protocols with are for two of three keys to name.
  if (nettest !== 'web_connectivity') return input === null ? null : 'needs_core'
  const url = new URL(input)
  const host = hostOfUrl(url)
  if (isIpLiteral(host) ? isBogon(host) : isPrivateName(host)) return 'no_public_host'
  return isWebPort(url.port) ? null : 'odd_port'
}

/** The core list with what passes the gate of each group's list behind it. */
export function withGroups(core: TestList, groups: readonly Gated[]): TestList {
  const seen = new Set(core.entries.map(keyOf))
  const entries = [...core.entries]
  for (const each of groups.flatMap((group) => group.entries)) {
    if (seen.has(keyOf(each))) continue
    seen.add(keyOf(each))
    entries.push(each)
  }
  return { ...core, entries }
}
