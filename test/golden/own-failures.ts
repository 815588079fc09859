// Golden verdicts of web_connectivity where the machine itself failed or has no way, and of failures that look like it.

import type { Step } from '../../tests-spec/nettests/verdict.ts'
import { connect, join, query } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

const resolved = query(['21.0.0.10'])

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
