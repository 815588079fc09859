// The events of each handshake, under its own transaction: what OONI's pipeline reads how long one took from, and how much
// crossed the line. plain-form.md §3 is the page. Made from the connects and handshakes, which hold the same times. Pure.

import type { NetworkEvent, TcpConnect, TlsHandshake } from '../data-formats/observation.ts'
import { writeEndpoint } from '../protocol/test-helper.ts'
import type { Lists } from './lists.ts'

export interface Events {
  readonly networkEvents: readonly NetworkEvent[]
  /** Of the body that came behind a handshake: under the handshake's transaction its time would be the body's. */
  readonly transferEvents: readonly NetworkEvent[]
}

/** @param lists - Of one target. */
export function eventsOf({ tcp_connect, tls_handshakes, network_events }: Lists): Events {
  const shaken = new Set(tls_handshakes.map((each) => each.transaction_id))
  const isBehindHandshake = (event: NetworkEvent) => shaken.has(event.transaction_id)
  // OONI's pipeline takes a handshake to last from the first event of its transaction, and a connect may be over ten seconds
  // before its handshake begins, while the next address is waited for.
  const connects = tcp_connect.filter((each) => !shaken.has(each.transaction_id))
  const made = [...connects.map(connectEvent), ...tls_handshakes.flatMap(handshakeEvents)]
  return {
    networkEvents: [...made, ...network_events.filter((event) => !isBehindHandshake(event))].sort(
      (a, b) => a.t - b.t,
    ),
    transferEvents: network_events.filter(isBehindHandshake),
  }
}

function connectEvent({ ip, port, status, t0, t, transaction_id, tags }: TcpConnect): NetworkEvent {
  const address = writeEndpoint({ ip, port })
  const { failure } = status
  return { operation: 'connect', address, proto: 'tcp', failure, t0, t, transaction_id, tags: [...tags] }
}

/**
 * Begin, all that was written, all that was read, end. The system does not say in how many pieces bytes came: each
 * direction is one event.
 */
function handshakeEvents({
  address,
  failure,
  t0,
  t,
  transaction_id,
  tags,
  x_sonde_bytes_sent: sent,
  x_sonde_bytes_received: received,
}: TlsHandshake): NetworkEvent[] {
  const common = { address, proto: 'tcp', transaction_id, tags: [...tags] }
  const event = (operation: string, at: number, num_bytes?: number): NetworkEvent => ({
    operation,
    ...common,
    ...(num_bytes !== undefined && { num_bytes }),
    failure: null,
    t0: at,
    t: at,
  })
  return [
    event('tls_handshake_start', t0),
    ...(sent > 0 ? [event('write', t0, sent)] : []),
    ...(received > 0 || failure !== null ? [{ ...event('read', t, received), failure }] : []),
    event('tls_handshake_done', t),
  ]
}
