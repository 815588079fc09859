// Golden verdicts and OONI's keys of facebook_messenger: where OONI and we part is what a foreign address may be called.

import { describe, expect, it } from 'vitest'
import {
  allGood,
  allOk,
  foreign,
  group,
  judge,
  kinds,
  kindsOf,
  meta,
  seenWith,
  timeout,
} from '../../test/golden/facebook-messenger.ts'
import { join, judgedAgain, link, nothing } from '../../test/support/observations.ts'
import { facebookStems } from './facebook-messenger.ts'

describe('facebook_messenger', () => {
  it.each([
    ['everything of Meta and open', seenWith({}), {}, {}],
    [
      'one host silent',
      seenWith({ edge: group('edge', [meta], timeout) }),
      { facebook_edge_reachable: false, facebook_tcp_blocking: true },
      { edge: 'anomaly' },
    ],
    [
      'a name gone',
      seenWith({ b_api: group('b_api', 'dns_nxdomain_error') }),
      { facebook_b_api_dns_consistent: false, facebook_b_api_reachable: null, facebook_dns_blocking: true },
      { b_api: 'anomaly' },
    ],
    [
      'only a private address',
      seenWith({ star: group('star', ['10.0.0.1']) }),
      // OONI connects there; we never do, and both leave the key null.
      { facebook_star_dns_consistent: false, facebook_star_reachable: null, facebook_dns_blocking: true },
      { star: 'anomaly' },
    ],
    [
      'a foreign address that accepts: OONI says blocked, we doubt',
      seenWith({ b_graph: group('b_graph', [foreign]) }),
      {
        facebook_b_graph_dns_consistent: false,
        facebook_b_graph_reachable: null,
        facebook_dns_blocking: true,
      },
      { b_graph: 'undetermined' },
    ],
    [
      'a foreign address beside one of Meta: OONI says blocked, we do not',
      seenWith({ scontent_cdn: group('scontent_cdn', [meta, foreign]) }),
      {
        facebook_scontent_cdn_dns_consistent: false,
        facebook_scontent_cdn_reachable: null,
        facebook_dns_blocking: true,
      },
      {},
    ],
    [
      'a foreign address for a name that is only resolved',
      seenWith({ stun: group('stun', [foreign]) }),
      { facebook_stun_dns_consistent: false, facebook_dns_blocking: true },
      { stun: 'undetermined' },
    ],
    [
      'everything silent',
      join(...facebookStems.map((stem) => group(stem, [meta], timeout))),
      {
        ...Object.fromEntries(
          facebookStems
            .filter((stem) => stem !== 'stun')
            .map((stem) => [`facebook_${stem}_reachable`, false]),
        ),
        facebook_tcp_blocking: true,
      },
      { ...Object.fromEntries(facebookStems.map((stem) => [stem, 'undetermined'])), stun: 'ok' },
    ],
  ] as const)('%s', (_, seen, keys, parts) => {
    expect(judge(seen).keys).toEqual({ ...allGood, ...keys })
    const again = judgedAgain((circumstances) => judge(seen, circumstances))
    expect(kindsOf(again.parts)).toEqual({ ...allOk, ...parts })
  })

  it('never calls foreign addresses an anomaly, however many', () => {
    const seen = join(...facebookStems.map((stem) => group(stem, [foreign])))
    const { verdict } = judge(seen)
    expect(verdict).toMatchObject({
      verdict: 'undetermined',
      rule: 'facebook_messenger/foreign_address@1',
      how: 'foreign_address',
      because: [10_001],
    })
  })

  it('takes any address for real in a laboratory', () => {
    const seen = join(...facebookStems.map((stem) => group(stem, [foreign])))
    expect(kinds(seen, { lab: true })).toEqual(allOk)
  })

  it('leaves keys null of what was not measured', () => {
    const keys = judge(nothing).keys
    expect(keys.facebook_b_api_dns_consistent).toBeNull()
    expect(keys.facebook_b_api_reachable).toBeNull()
    expect(keys).toMatchObject({ facebook_dns_blocking: false, facebook_tcp_blocking: false })
  })

  it('OONI calls it blocked when the link is down; we do not', () => {
    const seen = join(...facebookStems.map((stem) => group(stem, 'dns_no_answer')))
    expect(judge(seen).keys.facebook_dns_blocking).toBe(true)
    expect(judge(seen, { link: link('down') }).verdict.verdict).toBe('link_down')
  })
})
