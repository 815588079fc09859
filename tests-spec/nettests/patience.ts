// How long each step is waited for, by probes and by the helper outside. A failure `generic_timeout_error` means that
// this long nothing came, so two programs that share the vocabulary share the table. patience.md is the page.

/** Milliseconds, counted from the start of the step. */
export const patience = {
  /** The system's resolver asks again after 5 s, and one lost datagram is no finding; OONI has 4 s. */
  lookupMs: 6_000,
  /** OONI's figure for a second, contradicting DNS reply; forged replies come tens of milliseconds apart. */
  lateReplyMs: 500,
  /** OONI's figure for its newest engine, so that "timeout" means the same in both data sets. */
  connectMs: 10_000,
  /** OONI's figure, as for the connect. */
  handshakeMs: 10_000,
  /** As long as the helper has: what is slow for everybody is no finding. OONI has 10 s. The body is included. */
  responseMs: 15_000,
  /** OONI's figure for a Tor directory, which sends a megabyte; only the beginning is read. */
  directoryResponseMs: 15_000,
  /** OONI's figure for one question to one address of a resolver, with connect and handshake where there are any. */
  resolverAnswerMs: 15_000,
  /** OONI's figure. Reading always takes all of it, since an echo server does not close. */
  echoReadMs: 5_000,
  /** OONI's figure for one packet, which is repeated. */
  quicPingMs: 2_000,
  /** Of each of twenty questions at once; what is slower is a lost packet, which the next time to live makes up for. */
  hopAnswerMs: 2_000,
  /** Five requests of RFC 8489's seven. The last two would take half a minute. */
  stunBindingMs: 10_000,
  /** A probe that looks up its helper loses the outside view when it gives up, and measures on meanwhile. */
  helperNameLookupMs: 10_000,
  /** The helper ends all of its work after this time, as OONI's does, and a probe waits as long for its answer. */
  helperAnswerMs: 30_000,
  /** Less than `lookupMs`: the helper asks each resolver again after `helperQueryMs`, not after 5 s. */
  helperLookupMs: 4_000,
  /** Each resolver is asked twice, the second time for twice as long: 3.9 s, just inside `helperLookupMs`. */
  helperQueryMs: 1_300,
  /** OONI's figure. As long as `responseMs`, though it is the whole chain of redirects, lookups and connects included. */
  helperPageMs: 15_000,
  /** Less than `connectMs`: three silent addresses fit into `helperPageMs`. */
  helperPageConnectMs: 5_000,
} as const

/** An answer that came later than that may be the second one's: a C library asks again after five seconds. */
export const askedAgainSeconds = 4
