// The lookup that stands before nettests of one host: whether the system's resolver gave an address that a public host
// can have, and otherwise the failed step to be judged. Nettests that only resolve and then do something of their own
// (stunreachability.ts, quicping.ts, dnscheck.ts, sni-blocking.ts) use it; URLs go by failed-step.ts itself.

import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { isBogon } from './bogon.ts'
import { addressesIn, type FailedStep, failedStepOf, nothingElseKnown } from './failed-step.ts'
import type { Step } from './verdict.ts'

/**
 * @param seen - The queries of the lookup. None at all, for an IP literal, is no failure.
 * @returns null when the system's resolver gave a usable address.
 */
export function failedLookup(seen: Pick<Observations, 'queries'>, lab: boolean): FailedStep | null {
  const system = seen.queries.filter((query) => query.engine === 'getaddrinfo')
  if (seen.queries.length === 0) return null
  if (system.flatMap(addressesIn).some((ip) => lab || !isBogon(ip))) return null
  const only = { tcp_connect: [], tls_handshakes: [], requests: [], network_events: [] }
  return failedStepOf({ queries: seen.queries, ...only }, lab)
}

/** A failed step about which nothing else is known. */
export function failedAt(step: Step, failure: Failure, because: readonly number[]): FailedStep {
  return { ...nothingElseKnown, step, failure, because }
}
