// Golden verdicts of web_connectivity with a helper's view, and OONI's conclusion from the same two views beside each.

import { describe, expect, test } from 'vitest'
import { controlRows, outside, page, resolved, silence } from '../../test/golden/web-control.ts'
import { connect, good, handshake, join, query, response } from '../../test/support/observations.ts'
import type { Observations } from '../data-formats/observation.ts'
import { judgeWebConnectivity, webConnectivityKeys } from './web-connectivity.ts'
import type { Control } from './web-control.ts'

describe("judgeWebConnectivity() with a helper, and OONI's conclusion beside it", () => {
  for (const [name, seen, control, expected, [blocking, accessible], circumstances] of controlRows) {
    test(name, () => {
      const verdict = judgeWebConnectivity(seen, control, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule.replace(/^web_connectivity\/(.*)@\d+$/, '$1')}`).toBe(
        expected,
      )
      expect(webConnectivityKeys(seen, control, false)).toMatchObject({
        blocking,
        accessible,
        control_failure: null,
      })
    })
  }
})

describe('webConnectivityKeys()', () => {
  const none = 'unknown_failure: no available helpers'
  test('says accessible only for a response over TLS when no helper answered', () => {
    const reached = webConnectivityKeys(
      join(resolved, connect(null), handshake(null), response(200)),
      none,
      false,
    )
    expect(reached).toMatchObject({ accessible: true, blocking: false, control: null, control_failure: none })
    expect(webConnectivityKeys(page({}), none, false)).toMatchObject({ accessible: null, blocking: null })
  })
  test('without a control a DNS failure is null, not "accessible"', () => {
    const keys = webConnectivityKeys(join(query('dns_nxdomain_error')), none, false)
    expect(keys).toMatchObject({
      accessible: null,
      blocking: null,
      dns_experiment_failure: 'dns_nxdomain_error',
    })
  })
  const consistency: readonly [string, Observations, Control, unknown][] = [
    ['one address in common', join(resolved, connect(silence)), outside(), 'consistent'],
    [
      'no address in common, but the same network',
      join(resolved, connect(silence)),
      outside({
        dns: { failure: null, addrs: ['22.0.0.1'] },
        ip_info: { '21.0.0.10': { asn: 64_500, flags: 1 }, '22.0.0.1': { asn: 64_500, flags: 2 } },
      }),
      'consistent',
    ],
    [
      'no address in common and nothing verified',
      join(resolved, connect(silence)),
      outside({ dns: { failure: null, addrs: ['22.0.0.1'] } }),
      'inconsistent',
    ],
    [
      'both say that there is no such name',
      join(query('dns_nxdomain_error')),
      outside({ dns: { failure: 'dns_name_error', addrs: [] } }),
      'consistent',
    ],
    ['only we say that there is no such name', join(query('dns_nxdomain_error')), outside(), 'inconsistent'],
    ['an IP literal', join(connect(silence)), outside(), null],
  ]
  test.each(consistency)('dns_consistency: %s', (_name, seen, control, expected) => {
    expect(webConnectivityKeys(seen, control, false).dns_consistency).toBe(expected)
  })
})
