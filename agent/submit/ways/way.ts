// An open way to a collector, as the code sees it that speaks over it; and the key whose receipts count there.
// uplink.ts decides which ways there are, and which of them is opened.

import type { KeyObject } from 'node:crypto'
import type { Endpoint } from '../../../tests-spec/protocol/endpoint.ts'
import type { Answer, Request } from '../transports/connection.ts'

/** The key pinned at enrolment, by which receipts must be signed. */
export interface CollectorKey {
  readonly collectorKeyId: string
  readonly collectorKey: KeyObject
}

/** Carries requests, one after the other, and their answers. */
export interface RequestChannel {
  /** @throws {NoAnswer} The channel is then closed. */
  exchange(request: Request): Promise<Answer>
}

export interface Way extends RequestChannel {
  readonly id: string
  readonly endpoint: Endpoint
  /**
   * Whether this is the last good way, or the only one: a batch may then be sent without asking for its receipt
   * first.
   */
  readonly proven: boolean
  close(): void
}
