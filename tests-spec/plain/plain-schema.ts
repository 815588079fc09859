// The schema of a plain form: plain-form.md is the page. For whoever reads exports; what makes one is plain-form.ts.

import * as v from 'valibot'
import { measurement } from '../data-formats/measurement.ts'
import { httpRequest, observations } from '../data-formats/observation.ts'

const { annotations, test_keys: _kept, ...envelope } = measurement.entries

const plainRequest = v.looseObject({
  ...httpRequest.entries,
  request: v.looseObject({
    ...httpRequest.entries.request.entries,
    tor: v.object({ exit_ip: v.null(), exit_name: v.null(), is_tor: v.literal(false) }),
  }),
  /** Nothing was sent: the attempt failed before. */
  x_sonde_not_sent: v.optional(v.literal(true)),
})

/** Of a measurement that could not be made: it names no URL. */
const unasked = v.looseObject({
  failure: v.literal('interrupted'),
  request: v.strictObject({}),
  response: v.null(),
})

const lists = {
  ...observations,
  requests: v.array(v.union([plainRequest, unasked])),
}

export const plainSchema = v.looseObject({
  ...envelope,
  annotations,
  /** Empty while the measurement is in no batch. */
  report_id: v.pipe(v.string(), v.regex(/^(|\d{8}T\d{6}Z_[a-z]+_[A-Z]{2}_\d+_n1_[0-9a-f]{16})$/)),
  measurement_uid: v.optional(v.pipe(v.string(), v.regex(/^\d{14}\.\d{6}_[A-Z]{2}_[a-z]+_[0-9a-f]{16}$/))),
  test_helpers: v.optional(
    v.object({ backend: v.object({ address: v.string(), type: v.picklist(['http', 'https']) }) }),
  ),
  test_keys: v.looseObject({
    /** Absent where the nettest has them inside its parts. */
    queries: v.optional(lists.queries),
    tcp_connect: v.optional(lists.tcp_connect),
    tls_handshakes: v.optional(lists.tls_handshakes),
    requests: v.optional(lists.requests),
    network_events: v.optional(lists.network_events),
    x_sonde_other_resolvers: v.optional(v.looseObject(lists)),
    x_sonde_follow_ups: v.optional(v.looseObject(lists)),
    x_sonde_transfer_events: v.optional(lists.network_events),
    x_sonde_seen_while_down: v.optional(v.looseObject({})),
  }),
})
