// Golden verdicts of web_connectivity with a helper's view, and OONI's conclusion from the same two views beside each.

import { describe, expect, it } from 'vitest'
import { rows as addresses } from '../../test/golden/outside-addresses.ts'
import { page, rows as pages } from '../../test/golden/outside-pages.ts'
import { outside, resolved, rows, silence } from '../../test/golden/outside-view.ts'
import { rows as restarts } from '../../test/golden/restarts.ts'
import { judging } from '../../test/support/judge.ts'
import { connect, handshake, join, query, response } from '../../test/support/observations.ts'
import type { Observations } from '../data-formats/observation.ts'
import type { OutsideView } from './outside-view.ts'
import { noHelper, webConnectivity } from './web-connectivity.ts'

const judge = judging(webConnectivity, { input: 'https://site.example/' })

describe("web_connectivity with a helper, and OONI's conclusion beside it", () => {
  for (const {
    name,
    seen,
    outside: view,
    verdict: expected,
    concluded: [blocking, accessible],
    circumstances,
  } of [...rows, ...pages, ...addresses, ...restarts]) {
    it(name, () => {
      const { verdict, keys } = judge(seen, circumstances, { outside: view })
      expect(`${verdict.verdict} ${verdict.rule.replace(/^web_connectivity\/(.*)@\d+$/, '$1')}`).toBe(
        expected,
      )
      expect(keys).toMatchObject({
        blocking,
        accessible,
        control_failure: null,
      })
    })
  }
})

describe('web_connectivity with two helpers', () => {
  const view = (title: string) => outside({ http_request: { ...outside().http_request, title, headers: {} } })
  const seen = page({ title: 'Accueil du journal', length: 300, headers: {} })
  const ruleWith = (first: string, second: string) => {
    const own = { x_sonde_second_control: { helper: 'https://b.example/', control: view(second) } }
    return judge({ ...seen, ...own }, undefined, { outside: view(first) }).verdict.rule
  }
  it('takes a page that differs from theirs, where theirs differ too, for one of each place', () => {
    expect(ruleWith('Willkommen zur Zeitung', 'Welcome to the paper')).toContain('/page_differs@')
    expect(ruleWith('Welcome to the paper', 'Welcome to the paper')).toContain('/foreign_page@')
  })
})

describe('the keys of web_connectivity', () => {
  it('says accessible only for a response over TLS when no helper answered', () => {
    const { keys: reached } = judge(join(resolved, connect(null), handshake(null), response(200)))
    expect(reached).toMatchObject({
      accessible: true,
      blocking: false,
      control: null,
      control_failure: noHelper,
    })
    expect(judge(page({})).keys).toMatchObject({ accessible: null, blocking: null })
  })
  it('without an outside view a DNS failure is accessible to OONI, and undetermined to us', () => {
    const { keys, verdict } = judge(join(query('dns_nxdomain_error')))
    expect(verdict.verdict).toBe('undetermined')
    expect(keys).toMatchObject({
      accessible: true,
      blocking: false,
      dns_experiment_failure: 'dns_nxdomain_error',
    })
  })
  const consistency: readonly [string, Observations, OutsideView, unknown][] = [
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
  it.each(consistency)('dns_consistency: %s', (_name, seen, view, expected) => {
    expect(judge(seen, {}, { outside: view }).keys.dns_consistency).toBe(expected)
  })
})
