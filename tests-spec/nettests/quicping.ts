// Rules of `quicping`: OONI's ts-031 in version 0.1.2. quicping.md is the page.

import * as v from 'valibot'
import { type Observations, quicPing } from '../data-formats/observation.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { failedAt, failedLookup } from './system-lookup.ts'
import type { Circumstances, Verdict } from './verdict.ts'

export const quicpingName = 'quicping'
export const quicpingVersion = '0.1.2'

/** Its own rules; a failed step has those of judge-failed-step.ts. */
export const quicpingRules = ['version_negotiation'] as const

/** A name in lower case, or an IP literal. */
export const quicpingInput = v.union(
  [v.pipe(v.string(), v.ip()), v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/))],
  'expected a name in lower case or an IP literal',
)

export const quicpingOptions = v.strictObject({
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)), 443),
  /** Packets of 1,200 bytes at most; the first that is answered is the last. OONI always sends ten. */
  repetitions: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10)), 3),
})

/** What the nettest adds to the five lists; both are OONI's. */
export const quicpingObservations = v.looseObject({
  /** Oldest first; none when there was no address to send to. */
  pings: v.array(quicPing),
  unexpected_responses: quicPing.entries.responses,
})

/** What the rules add. */
const quicpingFindings = v.object({
  /** The input. */
  domain: v.string(),
  /** How many were sent. */
  repetitions: v.pipe(v.number(), v.integer(), v.minValue(0)),
})
export type QuicpingKeys = Readonly<v.InferOutput<typeof quicpingFindings>>

export const quicpingTestKeys = v.object({ ...quicpingObservations.entries, ...quicpingFindings.entries })

export function quicpingKeys(seen: Observations, input: string): QuicpingKeys {
  return { domain: input, repetitions: pingsIn(seen).length }
}

/** The exchange counts as the step `connect`, as in stunreachability.ts. */
export function judgeQuicping(seen: Observations, circumstances: Circumstances): Verdict {
  const lookup = failedLookup(seen, circumstances.lab)
  if (lookup !== null) return judgeFailedStep(quicpingName, lookup, circumstances)
  const pings = pingsIn(seen)
  const answered = pings.find((ping) => ping.failure === null)
  if (answered !== undefined) {
    const rule = `${quicpingName}/${quicpingRules[0]}@1`
    return { verdict: 'ok', rule, step: null, how: null, because: [answered.transaction_id] }
  }
  // The first: what came after may be the answer to our own repeating.
  const failed = failedAt(
    'connect',
    pings[0]?.failure ?? 'interrupted',
    pings.map((ping) => ping.transaction_id),
  )
  return judgeFailedStep(quicpingName, failed, circumstances)
}

function pingsIn(seen: Observations): v.InferOutput<typeof quicPing>[] {
  return v.parse(quicpingObservations, seen).pings
}
