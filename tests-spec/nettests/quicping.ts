// Rules of `quicping`: OONI's ts-031 in version 0.1.2. quicping.md is the page.

import * as v from 'valibot'
import { type QuicPing, quicPing } from '../data-formats/observation.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest } from './nettest-spec.ts'
import { failedAt, failedLookup } from './system-lookup.ts'
import type { Circumstances, Verdict } from './verdict.ts'

const nettest = 'quicping'

/** A name in lower case, or an IP literal. */
const quicpingInput = v.union(
  [v.pipe(v.string(), v.ip()), v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/))],
  'expected a name in lower case or an IP literal',
)

const quicpingOptions = v.strictObject({
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)), 443),
  /** Packets of 1,200 bytes at most; the first that is answered is the last. OONI always sends ten. */
  repetitions: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10)), 3),
})

/** Both are OONI's. */
export const quicpingObservations = {
  /** Oldest first; none when there was no address to send to. */
  pings: v.array(quicPing),
  unexpected_responses: quicPing.entries.responses,
}

const findings = {
  /** The input. */
  domain: v.string(),
  /** How many were sent. */
  repetitions: v.pipe(v.number(), v.integer(), v.minValue(0)),
}

export const quicping = defineNettest({
  name: nettest,
  version: '0.1.2',
  about: 'whether QUIC gets through',
  input: quicpingInput,
  options: quicpingOptions,
  observations: quicpingObservations,
  lists: ['pings'],
  findings,
  parts: null,
  rules: ['version_negotiation'],
  judge({ seen, own: { pings }, circumstances, input }) {
    const keys = { domain: input ?? '', repetitions: pings.length }
    const lookup = failedLookup(seen, circumstances.lab)
    const verdict =
      lookup === null ? judgePings(pings, circumstances) : judgeFailedStep(nettest, lookup, circumstances)
    return { keys, verdict, parts: null }
  },
})

/** The exchange counts as the step `connect`, as in stunreachability.ts. */
function judgePings(pings: readonly QuicPing[], circumstances: Circumstances): Verdict {
  const answered = pings.find((ping) => ping.failure === null)
  if (answered !== undefined) {
    const rule = `${nettest}/version_negotiation@1`
    return { verdict: 'ok', rule, step: null, how: null, because: [answered.transaction_id] }
  }
  // The first: what came after may be the answer to our own repeating.
  const failed = failedAt(
    'connect',
    pings[0]?.failure ?? 'interrupted',
    pings.map((ping) => ping.transaction_id),
  )
  return judgeFailedStep(nettest, failed, circumstances)
}
