// What a nettest is to the rest of the agent: a way to observe, and a pure way to conclude.

import { isIPv6 } from 'node:net'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { isBogon } from '../../tests-spec/nettests/bogon.ts'
import type { Circumstances, Verdict } from '../../tests-spec/nettests/verdict.ts'
import type { Resolver } from '../operations/resolve-dns.ts'
import type { Trace } from '../operations/trace.ts'
import type { Seen } from './seen.ts'
import type { TransactionIds } from './transaction-ids.ts'

/** What one measurement may use. */
export interface NettestContext {
  readonly trace: Trace
  readonly transactionIds: TransactionIds
  /** Asked beside the system's own; null when the list names none. */
  readonly resolver: Resolver | null
  /** URLs of test helpers, in the order to ask them. Empty: there is no look from outside. */
  readonly helpers: readonly string[]
  /** A server name nobody blocks, to tell a blocked name from a dead host. */
  readonly neutralName: string
  /** Another name nobody blocks, which the host of `neutralName` does not bear; null when the list has none. */
  readonly foreignName: string | null
  /** URL of a page nobody slows down; null when the list names none. */
  readonly transferControl: string | null
  /** Whether the cycle can still afford to ask a neutral host about a failure. Each true costs one of a few. */
  readonly mayAskElsewhere: () => boolean
  /** Whether this link has a route to global IPv6; without one, IPv6 addresses are left alone. */
  readonly ipv6: boolean
  /** A laboratory: private and loopback addresses are contacted like any other. */
  readonly lab: boolean
  /** Milliseconds since 1970, for the dates of certificates. */
  readonly wallClock: () => number
}

export interface Conclusion {
  /** The nettest's own test_keys. */
  readonly keys: Readonly<Record<string, unknown>>
  readonly verdict: Verdict
  /** Verdicts of parts that can be blocked by themselves; null when there are none. */
  readonly parts: Readonly<Record<string, Verdict>> | null
}

export interface Nettest {
  readonly name: string
  readonly version: string
  /**
   * Observes. What the network does is in the observations; a rejection is a bug in the nettest.
   * @param input - As in the test list; null for a nettest that takes none.
   * @param options - Of the list's entry, where the nettest has any. Its defaults without.
   */
  measure(
    context: NettestContext,
    input: string | null,
    options?: Readonly<Record<string, unknown>>,
  ): Promise<Seen>
  /**
   * Pure: the same observations and circumstances give the same conclusion, here and at the collector.
   * @param input - What was measured, as for `measure`.
   */
  conclude(
    observations: Observations,
    circumstances: Circumstances,
    control?: Seen['control'],
    input?: string | null,
  ): Conclusion
}

/** IPv4 first, as OONI does. Bogons are never contacted: they are somebody's home network, or a lie. */
export function usable({ ipv6, lab }: NettestContext, addresses: readonly string[]): string[] {
  const allowed = [...new Set(addresses)].filter((ip) => (ipv6 || !isIPv6(ip)) && (lab || !isBogon(ip)))
  return [...allowed.filter((ip) => !isIPv6(ip)), ...allowed.filter((ip) => isIPv6(ip))]
}
