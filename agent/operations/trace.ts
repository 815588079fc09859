// What every operation of one measurement shares, and what every operation gives back.

import type { SecureContext } from 'node:tls'
import type { MeasurementClock } from '../platform/clock.ts'
import type { SourceAddresses } from '../platform/source-addresses.ts'
import type { SentChains } from './sent-chain.ts'

/** An address and a port. Never a name: names go through `resolve…`, which leaves its own observation. */
export interface Endpoint {
  readonly ip: string
  readonly port: number
}

export interface Trace {
  readonly clock: MeasurementClock
  /** Source addresses of every socket, so that one probe can measure over two links; null leaves them to the system. */
  readonly sources: SourceAddresses | null
  /** The trust is made once and shared: a context for each handshake costs a quarter more CPU. */
  readonly trust: Trust
  /** Ends every operation under way with `interrupted`. */
  readonly signal: AbortSignal
}

/** The roots that a chain is checked against, and the name they are recorded under. */
export interface Trust {
  readonly secureContext: SecureContext
  readonly name: string
  /**
   * The roots once more, as PEM, for the case that OpenSSL cannot settle: it reports one fault of a chain only, and
   * on a probe with a wrong clock that fault is the date. Absent: such a chain counts as not reaching a root.
   */
  readonly roots?: readonly string[]
  /** What servers sent so far, so that it need not be asked for again. */
  readonly chains: SentChains
}

/** How one operation is labelled and how long it may take. */
export interface StepOptions {
  readonly transactionId: number
  readonly tags: readonly string[]
  /** Milliseconds from the call after which the failure is `generic_timeout_error`. At least 1. */
  readonly timeoutMs: number
}

/** Bytes of TCP or UDP payload, both ways. IP and TCP headers are not in it. */
export interface Bytes {
  readonly sent: number
  readonly received: number
}
