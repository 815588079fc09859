// When campaigns are measured, and what of them: tests-spec/lists/campaigns.md. Pure. The window is a matter of the wall clock, as far
// as it can be believed; from one cycle to the next the monotonic clock counts.

import { createHash } from 'node:crypto'
import type { Campaign } from '../../tests-spec/lists/campaign.ts'
import { entryKey } from './kinship.ts'
import type { Present } from './present.ts'

/** How far a probe may be behind the beginning. */
const longestDelayMs = 60_000
/** A cycle of something else takes a campaign along that would be due so soon after it. */
const takenAlongMs = 30_000

interface Now {
  readonly monotonicMs: number
  readonly present: Present
}

/** When the probe begins with it: each a little later, by its seed. Milliseconds since 1970. */
function startOf({ name, fromMs, everyMs }: Campaign, seed: string): number {
  const chance = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32BE(0) / 2 ** 32
  return fromMs + Math.floor(chance * Math.min(everyMs / 2, longestDelayMs))
}

/** Those in whose window any moment is that may be the present one. */
export function underWay(campaigns: readonly Campaign[], { leastMs, mostMs }: Present): Campaign[] {
  return campaigns.filter(({ fromMs, toMs }) => mostMs >= fromMs && leastMs < toMs)
}

/** The first that is still to come. */
export function nextOf(campaigns: readonly Campaign[], { mostMs }: Present): Campaign | null {
  return campaigns.filter(({ fromMs }) => fromMs > mostMs).sort((a, b) => a.fromMs - b.fromMs)[0] ?? null
}

/** Those that ask for more than the rounds of an interval give. */
export const closer = (campaigns: readonly Campaign[], intervalMs: number): Campaign[] =>
  campaigns.filter(({ everyMs }) => everyMs < intervalMs)

/**
 * @param begunMs - When its last cycle began; undefined before the first since the start.
 * @returns When the next one is due, or has been since, by the monotonic clock; infinity when it is over by then.
 */
export function slotDueMs(
  campaign: Campaign,
  begunMs: number | undefined,
  { monotonicMs, present }: Now,
  seed: string,
): number {
  const { leastMs, mostMs } = present
  const opensMs = monotonicMs + startOf(campaign, seed) - mostMs
  const dueMs = begunMs === undefined ? opensMs : Math.max(opensMs, begunMs + campaign.everyMs)
  const isOver = leastMs + Math.max(0, dueMs - monotonicMs) >= campaign.toMs
  return isOver ? Number.POSITIVE_INFINITY : dueMs
}

/** @returns Those whose cycle is due now, or so soon that this one takes it along. */
export function dueOf(
  campaigns: readonly Campaign[],
  begun: ReadonlyMap<string, number>,
  now: Now,
  seed: string,
): Campaign[] {
  return campaigns.filter((each) => {
    const soonMs = Math.min(takenAlongMs, each.everyMs / 4)
    return slotDueMs(each, begun.get(each.name), now, seed) <= now.monotonicMs + soonMs
  })
}

/** @returns The names of the campaigns that each target is in, with commas between, by `entryKey`. */
export function namesByTarget(campaigns: readonly Campaign[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { name, entries } of campaigns)
    for (const key of entries.map(entryKey))
      names.set(key, names.has(key) ? `${names.get(key)}, ${name}` : name)
  return names
}
