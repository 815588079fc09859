// A way to a collector that is open, as the code sees it that says something over it; and the key that counts there. Which
// ways there are, and which of them is opened, is uplink.ts.

import type { KeyObject } from 'node:crypto'
import type { Endpoint } from '../../../tests-spec/protocol/endpoint.ts'
import type { Answer, Request } from '../transports/connection.ts'

/** Whose receipts count: the key pinned at enrolment. */
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
  /** The last good one, or the only one: a batch may go to it unasked. */
  readonly proven: boolean
  close(): void
}
