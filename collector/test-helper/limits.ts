// How long and how much: what one request may cost the helper, and what many may. test-helper.md has those a probe
// sees. An argument everywhere, so that tests need not wait.

import { patience } from '../../tests-spec/nettests/patience.ts'

export interface Limits {
  /** Everything a request does, milliseconds like all that follow. More than its parts need one after the other. */
  readonly wholeMs: number
  readonly lookupMs: number
  readonly connectMs: number
  readonly handshakeMs: number
  /** The whole chain of redirects, lookups included. */
  readonly httpMs: number
  /** One connection of the chain: three silent addresses fit into `httpMs`. */
  readonly httpConnectMs: number
  /** Enough for the length and the title of nearly every page; a film must not be fetched to learn that it is one. */
  readonly maxBodyBytes: number
  /** Requests measured at once. Each may hold some sixty sockets, so 25 leave room below the usual limit of files. */
  readonly maxInFlight: number
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
}
