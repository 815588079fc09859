// What a nettest is to the rest of the agent: what the contract says of it, and a way to observe.

import { isIPv6 } from 'node:net'
import * as v from 'valibot'
import { isInRanges, untranslated } from '../../tests-spec/nettests/address-range.ts'
import { isBogon } from '../../tests-spec/nettests/bogon.ts'
import type { Conclusion, NettestSpec } from '../../tests-spec/nettests/nettest-spec.ts'
import type { Resolver } from '../operations/resolve-dns.ts'
import type { Trace } from '../operations/trace.ts'
import type { Seen } from './seen.ts'
import type { TransactionIds } from './transaction-ids.ts'

/** `none`: what answers there is no helper. `silent`: no answer to the question came, and that took its time. */
export type HelperOutcome = 'answered' | 'none' | 'silent'

/** What one measurement may use. */
export interface NettestContext {
  readonly trace: Trace
  readonly transactionIds: TransactionIds
  /** Asked beside the system's own; null when the list names none. */
  readonly resolver: Resolver | null
  /** URLs of test helpers, in the order to ask them. Empty: there is no look from outside. */
  readonly helpers: readonly string[]
  /** Hears what became of a question to a helper, so that one that is none, or never answers, does not hold up each target. */
  readonly noteHelper: (url: string, outcome: HelperOutcome) => void
  /** A server name nobody blocks, to tell a blocked name from a dead host. */
  readonly neutralName: string
  /** Another name nobody blocks, which the host of `neutralName` does not bear; null when the list has none. */
  readonly foreignName: string | null
  /** Names that filters in houses answer for, and no state blocks. */
  readonly filteredNames: readonly string[]
  /** URL of a page nobody slows down; null when the list names none. */
  readonly transferControl: string | null
  /** Whether the cycle can still afford to ask a neutral host about a failure. Each true costs one of a few. */
  readonly mayAskElsewhere: () => boolean
  /** Whether this probe's own questions would fill the line: then endpoints are asked one after the other. */
  readonly isLineSlow: () => boolean
  /** Whether this link has a route to global IPv6; without one, IPv6 addresses are left alone. */
  readonly ipv6: boolean
  /** Whether it has one to IPv4. A link that has neither is asked over IPv4, and what comes of that is kept. */
  readonly ipv4: boolean
  /** Ranges of the networks this device is in. */
  readonly ownNetworks: readonly string[]
  /** A laboratory: private and loopback addresses are contacted like any other. */
  readonly lab: boolean
  /** Milliseconds since 1970, for the dates of certificates. */
  readonly wallClock: () => number
}

export type { Conclusion }

type Options = Readonly<Record<string, unknown>>

/** What the contract says of a nettest, and how this agent measures it. */
export interface Nettest extends NettestSpec {
  /**
   * Observes. What the network does is in the observations; a rejection is a bug in the nettest.
   * @param input - As in the test list; null for a nettest that takes none.
   * @param options - Of the list's entry, where the nettest has any. Its defaults without.
   */
  measure(context: NettestContext, input: string | null, options?: Options): Promise<Seen>
}

/** @param measure - Gets the options with their defaults. */
export function measuredBy<Schema extends v.GenericSchema | null>(
  spec: NettestSpec<string, v.GenericSchema | null, Schema>,
  measure: (
    context: NettestContext,
    input: string | null,
    options: Schema extends v.GenericSchema ? v.InferOutput<Schema> : null,
  ) => Promise<Seen>,
): Nettest {
  const { options: schema } = spec
  const parsed = (options: Options | undefined) => schema && v.parse(schema, options ?? {})
  return {
    ...spec,
    measure: async (context, input, options) =>
      measure(context, input, parsed(options) as Parameters<typeof measure>[2]),
  }
}

/**
 * The addresses that may be contacted: IPv4 first, as OONI does. Bogons are somebody's home network, or a lie, and what
 * shares this device's network is a machine of its host's: neither a list nor an answer nor a redirect makes it knock there.
 */
export function usable(context: NettestContext, addresses: readonly string[]): string[] {
  const { ipv4, ipv6, lab, ownNetworks } = context
  const hasRoute = (ip: string) => (isIPv6(ip) ? ipv6 : ipv4)
  const isPublic = (ip: string) => lab || !isAtHome(ip, ownNetworks)
  const allowed = [...new Set(addresses)].filter((ip) => hasRoute(ip) && isPublic(ip))
  return [...allowed.filter((ip) => !isIPv6(ip)), ...allowed.filter((ip) => isIPv6(ip))]
}

/** Whether `ip` is no public address, or shares a network with this device. */
export function isAtHome(ip: string, ownNetworks: readonly string[]): boolean {
  return isBogon(ip) || isInRanges(untranslated(ip), ownNetworks)
}
