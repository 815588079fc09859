// Whether this device may measure now: what the host agreed to, and whether they ordered a pause. Read anew each time, so that an
// agent that runs obeys what another command wrote.

import type { Config } from '../config.ts'
import { type Agreement, agreementOf, mayMeasure, readConsent } from '../consent/consent.ts'
import { pausedUntil } from '../consent/pause.ts'
import type { StateFolder } from '../platform/state-folder.ts'
import type { Allowed } from '../testlist/lists-in-force.ts'
import { presentDigests } from './phrases/consent-text.ts'

export interface Standing {
  readonly agreement: Agreement
  /** Milliseconds since 1970; null without a pause. */
  readonly pausedUntil: number | null
}

export async function standingOf(
  folder: Pick<StateFolder, 'consent' | 'pause'>,
  config: Pick<Config, 'host_agreed'>,
  now: number,
): Promise<Standing> {
  const kept = await readConsent(folder.consent)
  return {
    agreement: agreementOf(kept, presentDigests(), config.host_agreed),
    pausedUntil: await pausedUntil(folder.pause, now),
  }
}

export const isHeld = ({ agreement, pausedUntil }: Standing): boolean =>
  pausedUntil !== null || !mayMeasure(agreement)

/** Without an agreement the core list alone, by the command that was typed. */
export const allowedBy = ({ agreement }: Standing): Allowed => ({
  groups: mayMeasure(agreement),
  categories: agreement.categories,
})

/** What makes an agent begin anew when it changes. */
export const standingKey = (standing: Standing): string =>
  JSON.stringify([isHeld(standing), standing.pausedUntil, [...standing.agreement.categories].sort()])
