// What the plan says of a measurement beside it: why it was made out of turn, and in which campaign. Who reckons shares of failures must be able to leave
// looks out that were made because something failed. Pure.

import { namesByTarget } from './campaign-slots.ts'
import { entryKey } from './kinship.ts'
import type { Round } from './plan.ts'

/**
 * @param flapping - How often each target that flaps has changed within the hour, by `entryKey`.
 * @returns OONI's `annotations`, which are texts; none for what was measured in its turn.
 */
export function annotationsOf(
  { entries, forBurst, campaigns, isTold }: Pick<Round, 'entries' | 'forBurst' | 'campaigns' | 'isTold'>,
  flapping: ReadonlyMap<string, number>,
  nettest: string,
  input: string | null,
): Readonly<Record<string, string>> {
  const keys = entries.filter((entry) => entry.nettest === nettest && entry.input === input).map(entryKey)
  const isOutOfTurn = keys.length > 0 && keys.every((key) => forBurst.has(key))
  const changes = Math.max(0, ...keys.map((key) => flapping.get(key) ?? 0))
  const names = namesByTarget(campaigns)
  const ofCampaigns = [...new Set(keys.flatMap((key) => names.get(key) ?? []))].join(', ')
  return {
    ...(ofCampaigns !== '' && { x_sonde_campaign: ofCampaigns }),
    ...(ofCampaigns !== '' && !isTold && { x_sonde_campaign_clock: 'not_told' }),
    ...(isOutOfTurn && { x_sonde_burst: 'true' }),
    ...(changes > 0 && { x_sonde_flapping: String(changes) }),
  }
}
