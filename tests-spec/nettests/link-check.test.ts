// What the controls say of the link.

import { describe, expect, it } from 'vitest'
import { at, controls, samples, withCollector, withProvider } from '../../test/golden/link-check.ts'
import { judging } from '../../test/support/judge.ts'
import { connect, nothing } from '../../test/support/observations.ts'
import { type ControlResult, ipv6Works, judgeLink, linkCheck } from './link-check.ts'
import { unknownLink } from './verdict.ts'

describe('judgeLink() with the collector and the provider', () => {
  const three = ['failed', 'failed', 'failed'] as const
  const portal = ['other_answer', 'other_answer', 'failed'] as const
  const rows = [
    [
      'everyone leads to a page of the provider',
      withProvider('ok', portal, 'credit.telco.example'),
      'bundle_exhausted',
    ],
    [
      'everyone leads to the very site of the provider',
      withProvider('ok', portal, 'www.telco.example'),
      'bundle_exhausted',
    ],
    ['everyone leads to somebody else', withProvider('ok', portal, 'login.hotel.example'), 'captive_portal'],
    ['a page of unknown origin in place of everyone', withProvider('ok', portal, null), 'captive_portal'],
    [
      'a suffix that only looks like the provider',
      withProvider('ok', portal, 'eviltelco.example'),
      'captive_portal',
    ],
    [
      'the portal answers for the provider too',
      withProvider('other_answer', portal, 'login.hotel.example'),
      'captive_portal',
    ],
    [
      'one page of the provider alone proves nothing',
      withProvider('ok', ['other_answer', 'ok', 'ok'], 'www.telco.example'),
      'up',
    ],
    ['only the provider answers', withProvider('ok', three), 'provider_only'],
    ['not even the provider answers', withProvider('failed', three), 'down'],
    ['the provider is down and the internet is there', withProvider('failed', ['ok', 'ok', 'ok']), 'up'],
    [
      'the provider does not make up for lost controls',
      withProvider('ok', ['ok', 'failed', 'failed']),
      'degraded',
    ],
    ['only the collector answers: the link carries', withCollector('ok', ...three), 'degraded'],
    ['the collector is down and the internet is there', withCollector('failed', 'ok', 'ok', 'ok'), 'up'],
    ['the collector does not make a link up', withCollector('ok', 'ok', 'failed', 'failed'), 'degraded'],
    ['no neutral control was asked', withCollector('ok'), 'unknown'],
  ] as const
  it.each(rows)('%s', (_name, results, state) => {
    const link = judgeLink(results, unknownLink, at)
    expect(link.state).toBe(state)
    // Only neutral ones are counted: the rules compare the two figures.
    expect(link.controls).toBe(results.length - 1)
  })
})

describe('judgeLink()', () => {
  const rows = [
    ['every control answers', ['ok', 'ok', 'ok', 'ok'], 'up'],
    ['one may be blocked without the link being at fault', ['ok', 'failed', 'ok', 'ok'], 'up'],
    ['two of four gone', ['ok', 'failed', 'failed', 'ok'], 'degraded'],
    ['none answers', ['failed', 'failed', 'failed', 'failed'], 'down'],
    [
      'everyone answers with the same foreign page',
      ['other_answer', 'other_answer', 'other_answer', 'failed'],
      'captive_portal',
    ],
    ['one control changed its page', ['ok', 'other_answer', 'ok', 'ok'], 'up'],
    [
      'the system resolver answers for nobody',
      ['other_resolver_only', 'other_resolver_only', 'failed', 'failed'],
      'degraded',
    ],
    ['no control was asked', [], 'unknown'],
  ] as const
  it.each(rows)('%s', (_name, results, state) => {
    expect(judgeLink(controls(...results), unknownLink, at, false).state).toBe(state)
  })

  it('keeps "since" while the state stays, and begins anew when it changes', () => {
    const down = judgeLink(controls('failed', 'failed'), unknownLink, at, false)
    expect(down.since).toBe(at)
    const still = judgeLink(controls('failed', 'failed'), down, '2018-07-29T18:00:00.000Z', false)
    expect(still).toMatchObject({ since: at, checked_at: '2018-07-29T18:00:00.000Z' })
    expect(judgeLink(controls('ok', 'ok'), still, '2018-07-29T19:00:00.000Z', false).since).toBe(
      '2018-07-29T19:00:00.000Z',
    )
  })
})

describe('judgeLink() and controls that are dead in themselves, or go over TLS', () => {
  const url = (index: number, scheme: string) => `${scheme}://control${index}.example/`
  const four = (scheme: string, first: Partial<ControlResult>, second: Partial<ControlResult> = {}) =>
    [first, second, {}, {}].map((over, index) => ({
      url: url(index, index === 3 ? scheme : 'http'),
      result: 'ok' as const,
      transaction_id: index,
      ...over,
    }))
  const moved = { result: 'other_answer' } as const
  const rows = [
    ['failed alone three times', four('http', { result: 'failed', failed_alone: 3 }), 'up', 3, 3],
    [
      'failed alone three times, and is well outside',
      four('http', { result: 'failed', failed_alone: 3, outside: 'ok' }),
      'up',
      3,
      4,
    ],
    [
      'most are dead, a helper says: it is the helper',
      four(
        'http',
        { result: 'failed', outside: 'fails_too' },
        { result: 'failed', outside: 'fails_too' },
      ).map((each, i) =>
        i === 2 ? { ...each, result: 'failed' as const, outside: 'fails_too' as const } : each,
      ),
      'degraded',
      1,
      4,
    ],
    ['failed alone twice', four('http', { result: 'failed', failed_alone: 2 }), 'up', 3, 4],
    [
      'two that fail outside too',
      four('http', { ...moved, outside: 'fails_too' }, { ...moved, outside: 'fails_too' }),
      'up',
      2,
      2,
    ],
    [
      'two that are well outside: somebody answers for everyone',
      four('http', { ...moved, outside: 'ok' }, { ...moved, outside: 'ok' }),
      'captive_portal',
      2,
      4,
    ],
    ['two other answers, and a certificate that was verified', four('https', moved, moved), 'degraded', 2, 4],
    [
      'an answer to every check of a telephone, and none over TLS',
      [...four('http', {}), { url: url(4, 'https'), result: 'failed' as const, transaction_id: 4 }],
      'degraded',
      4,
      5,
    ],
  ] as const
  it.each(rows)('%s', (_name, results, state, ok, asked) => {
    expect(judgeLink(results, unknownLink, at)).toMatchObject({ state, controls_ok: ok, controls: asked })
  })

  it('says whether one answered over TLS, and nothing where none was asked', () => {
    const secure = (result: ControlResult['result']) =>
      judgeLink([...controls('ok'), { url: url(9, 'https'), result, transaction_id: 9 }], unknownLink, at).tls
    expect([secure('ok'), secure('failed')]).toEqual([true, false])
    expect(judgeLink(controls('ok'), unknownLink, at)).not.toHaveProperty('tls')
  })
})

it.each(samples)('link_check never calls a link an anomaly, and names the state it is in', (...results) => {
  const { verdict } = judging(linkCheck)({ ...nothing, x_sonde_controls: results })
  expect(verdict.verdict).not.toBe('anomaly')
  expect(verdict.rule).toBe(`link_check/${judgeLink(results, unknownLink, at).state}@2`)
})

describe('ipv6Works()', () => {
  const over = (ip: string, failure: 'generic_timeout_error' | null) => {
    const [one] = connect(failure).tcp_connect ?? []
    return one === undefined ? [] : [{ ...one, ip }]
  }
  it.each([
    ['a control took a connection over IPv6', over('2d00:22::1', null), true],
    ['it was tried in vain', over('2d00:22::1', 'generic_timeout_error'), false],
    ['only IPv4 was tried', over('22.0.0.1', null), false],
    ['nothing was tried', [], false],
  ])('%s', (_name, tcp_connect, works) => {
    expect(ipv6Works({ ...nothing, tcp_connect })).toBe(works)
  })
})
