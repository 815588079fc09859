// The events of a handshake: plain-form.md §3.

import { describe, expect, it } from 'vitest'
import { connect, handshake, join } from '../../test/support/observations.ts'
import type { NetworkEvent } from '../data-formats/observation.ts'
import { eventsOf } from './network-events.ts'

const operations = (events: readonly NetworkEvent[]) => events.map(({ operation }) => operation)

/** As OONI's pipeline counts: the events of the transaction, from the first to the last. */
function durationOf(events: readonly NetworkEvent[], id: number): number {
  const times = events.filter(({ transaction_id }) => transaction_id === id).map(({ t }) => t)
  return Math.max(...times) - Math.min(...times)
}

describe('eventsOf()', () => {
  it('has what was written and read between begin and end', () => {
    const seen = join(handshake(null))
    const answered = {
      ...seen,
      tls_handshakes: seen.tls_handshakes.map((each) => ({ ...each, x_sonde_bytes_received: 4_000 })),
    }
    const { networkEvents } = eventsOf(answered)
    expect(operations(networkEvents)).toEqual(['tls_handshake_start', 'write', 'read', 'tls_handshake_done'])
    expect(networkEvents.map((each) => each.num_bytes)).toEqual([undefined, 300, 4_000, undefined])
  })

  it('has the failure at the read, also where no byte came', () => {
    const { networkEvents } = eventsOf(join(handshake('connection_reset')))
    const read = networkEvents.find(({ operation }) => operation === 'read')
    expect(read).toMatchObject({ num_bytes: 0, failure: 'connection_reset' })
  })

  it('says nothing of reading where a handshake that ended well counted no byte', () => {
    expect(operations(eventsOf(join(handshake(null))).networkEvents)).not.toContain('read')
  })

  it('a handshake that waited for another address lasts no longer for it', () => {
    const seen = join(connect(null), handshake(null))
    const late = {
      ...seen,
      tls_handshakes: seen.tls_handshakes.map((each) => ({ ...each, t0: 10.1, t: 10.2 })),
    }
    const { networkEvents } = eventsOf(late)
    expect(durationOf(networkEvents, 50_001)).toBeCloseTo(0.1)
    expect(operations(networkEvents)).not.toContain('connect')
  })

  it('a connect that led to no handshake is there, with its failure', () => {
    const { networkEvents } = eventsOf(join(connect('connection_refused'), handshake(null, { id: 50_002 })))
    expect(networkEvents.find(({ operation }) => operation === 'connect')).toMatchObject({
      address: '21.0.0.10:443',
      failure: 'connection_refused',
      transaction_id: 50_001,
    })
  })

  it('sets the events of a body aside where it came behind a handshake, and nowhere else', () => {
    const event = (transaction_id: number): NetworkEvent => ({
      operation: 'bytes_received_cumulative',
      t0: 0.9,
      t: 0.9,
      num_bytes: 9_000,
      failure: null,
      transaction_id,
      tags: [],
    })
    const seen = { ...join(handshake(null)), network_events: [event(50_001), event(40_001)] }
    const { networkEvents, transferEvents } = eventsOf(seen)
    expect(transferEvents).toEqual([event(50_001)])
    expect(networkEvents).toContainEqual(event(40_001))
    expect(durationOf(networkEvents, 50_001)).toBeCloseTo(0.1)
  })
})
