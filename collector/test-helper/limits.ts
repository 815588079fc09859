// What one request may cost the helper in time and bytes, and what many requests may. test-helper.md has the limits
// that a probe notices. The limits are an argument everywhere, so that tests need not wait.

import { patience } from '../../tests-spec/nettests/patience.ts'

export interface Limits {
  /**
   * Time for everything that a request does, in milliseconds like all the following. It is more than its parts need
   * one after the other.
   */
  readonly wholeMs: number
  readonly lookupMs: number
  readonly connectMs: number
  readonly handshakeMs: number
  /** Time for the whole chain of redirects, lookups included. */
  readonly httpMs: number
  /** Time for one connection of the chain: three silent addresses fit into `httpMs`. */
  readonly httpConnectMs: number
  /**
   * Enough for the length and the title of nearly every page; a film must not be fetched to find out that it is one.
   */
  readonly maxBodyBytes: number
  /**
   * Number of requests that are measured at once. Each may hold some sixty sockets, so 25 stay below the usual limit
   * of open files.
   */
  readonly maxInFlight: number
  /** Of these, for one network: a handful of addresses must not take the helper from everyone else. */
  readonly maxInFlightEach: number
}

export const usualLimits: Limits = {
  wholeMs: patience.helperAnswerMs,
  lookupMs: patience.helperLookupMs,
  connectMs: patience.connectMs,
  handshakeMs: patience.handshakeMs,
  httpMs: patience.helperPageMs,
  httpConnectMs: patience.helperPageConnectMs,
  maxBodyBytes: 1024 * 1024,
  maxInFlight: 25,
  maxInFlightEach: 6,
}
