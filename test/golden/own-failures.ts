// Golden verdicts of web_connectivity where the machine itself failed or has no way, and of failures that look like it.

import type { Step } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, query, response } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

const resolved = query(['21.0.0.10'])

const onlyNamed = { engine: 'udp', tags: ['depth=0'], id: 20_001 }
const elsewhere = { tags: ['depth=0'], id: 50_002 }
const forgedBeside = query(['10.10.34.34', '2d00:22::10'])

export const rows: readonly (GoldenRow & { readonly step: Step })[] = [
  {
    name: 'a source address that this machine does not have',
    seen: join(resolved, connect('address_not_available')),
    verdict: 'undetermined local_failure',
    step: 'connect',
  },
  {
    name: 'a site with addresses of a family that this link has no way to',
    seen: join(query(['2d00:22::10'])),
    verdict: 'undetermined local_failure',
    step: 'connect',
  },
  {
    name: 'a forged address beside a true one of a family without a way, while another resolver tells the truth',
    seen: join(
      forgedBeside,
      query(['21.0.0.10'], onlyNamed),
      connect(null, elsewhere),
      handshake(null, elsewhere),
      response(200, elsewhere),
    ),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'a private address beside one of a family without a way, in the zone itself',
    seen: join(forgedBeside, query(['10.10.34.34'], onlyNamed)),
    verdict: 'undetermined local_failure',
    step: 'connect',
  },
  {
    name: 'an address of a family without a way alone, while another resolver has one that is reached',
    seen: join(
      query(['2d00:22::10']),
      query(['21.0.0.10'], onlyNamed),
      connect(null, elsewhere),
      handshake(null, elsewhere),
      response(200, elsewhere),
    ),
    verdict: 'undetermined failed_once',
    step: 'resolve',
  },
  {
    name: 'the same site, where that address is silent while no control was reached over its family',
    seen: join(query(['2d00:22::10']), connect('generic_timeout_error', { ip: '2d00:22::10' })),
    verdict: 'undetermined family_unproven',
    step: 'connect',
  },
  {
    name: 'an address of IPv6 that may not be connected to, which a router says too',
    seen: join(query(['2d00:22::10']), connect('permission_denied', { ip: '2d00:22::10' })),
    verdict: 'undetermined family_unproven',
    step: 'connect',
  },
  {
    name: 'an address of IPv4 that may not be connected to, which this machine alone says',
    seen: join(resolved, connect('permission_denied')),
    verdict: 'undetermined local_failure',
    step: 'connect',
  },
]
