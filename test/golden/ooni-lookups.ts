// OONI's rules for `dns_consistency` and `dns_experiment_failure`, in its version 0.5.28: a row for each line of them.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import { connect, handshake, join, query, response } from '../support/observations.ts'
import { hop, inconsistent, type OoniRow, page, second } from './ooni-keys.ts'
import { outside, resolved } from './outside-view.ts'

const networks = (ours: number, theirs: number) => ({
  '21.0.0.10': { asn: ours, flags: 1 },
  '22.0.0.1': { asn: theirs, flags: 2 },
})
const reached = join(resolved, connect(null), handshake(null), response(200))
const consistency = (
  line: string,
  seen: Observations,
  view: OutsideView | null,
  expected: unknown,
  more: Partial<OoniRow> = {},
): OoniRow => ({ line, seen, outside: view, ooni: { dns_consistency: expected }, ...more })

export const rows: readonly OoniRow[] = [
  consistency('one address in common', reached, page, 'consistent'),
  consistency(
    'one network in common',
    reached,
    outside({ ...inconsistent, ip_info: networks(64_500, 64_500) }),
    'consistent',
  ),
  consistency(
    'neither, whatever the certificate',
    reached,
    outside({ ...inconsistent, ip_info: networks(64_500, 64_501) }),
    'inconsistent',
  ),
  consistency('no address in common, and networks unknown', reached, outside(inconsistent), 'inconsistent', {
    ours: {
      keys: { dns_consistency: 'consistent' },
      reason:
        'A certificate valid for the name makes DNS answers consistent where the helper does not know the networks',
    },
  }),
  consistency(
    'both failed, in different ways',
    join(query('dns_server_misbehaving')),
    outside({ dns: { failure: 'unknown_error', addrs: [] } }),
    'consistent',
  ),
  consistency(
    'no answer here, no addresses there',
    join(query('dns_no_answer')),
    outside({ dns: { failure: null, addrs: [] } }),
    'consistent',
  ),
  consistency(
    'no such name here, no addresses there',
    join(query('dns_nxdomain_error')),
    outside({ dns: { failure: null, addrs: [] } }),
    'inconsistent',
  ),
  consistency('only the probe failed', join(query('dns_servfail_error')), page, 'inconsistent'),
  consistency(
    'the probe resolved what the helper did not',
    reached,
    outside({ dns: { failure: 'dns_name_error', addrs: [] } }),
    'inconsistent',
  ),
  consistency(
    'the probe resolved that of which the helper found no address',
    reached,
    outside({ dns: { failure: null, addrs: [] } }),
    'inconsistent',
  ),
  consistency('without control', reached, null, null),
  consistency('a URL without a name', join(connect(null), handshake(null), response(200)), page, null),
  consistency(
    'only the first hop counts',
    second(query('dns_nxdomain_error', { tags: hop(1), hostname: 'other.example' })),
    page,
    'consistent',
    { ooni: { dns_consistency: 'consistent', dns_experiment_failure: null } },
  ),
]
