// What is kept of a measurement: all of it when it may matter, and the same verdict from the outline.

import { describe, expect, it } from 'vitest'
import { judging } from '../../test/support/judge.ts'
import { measured } from '../../test/support/measured.ts'
import { connect, handshake, join, link, query, response } from '../../test/support/observations.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { allNettests } from '../../tests-spec/nettests/all-nettests.ts'
import type { Verdict, VerdictKind } from '../../tests-spec/nettests/verdict.ts'
import { webConnectivity } from '../../tests-spec/nettests/web-connectivity.ts'
import { recordClass } from './envelope.ts'
import { evidenceLevel, type History, isChange, isTurn, remember, withEvidence } from './evidence.ts'

const fine = join(query(['21.0.0.10']), connect(null), handshake(null), response(200))
const reset = join(query(['21.0.0.10']), connect(null), handshake('connection_reset'))

const measuredAt = (seen: Observations, at: string) => measured(seen, { startedMs: Date.parse(at) })

it('evidenceLevel() is full at first, on change, for what is not ok, and once a day; else brief', () => {
  const story: readonly [string, Observations, string][] = [
    ['2018-07-29T17:00:00Z', fine, 'full'],
    ['2018-07-29T17:15:00Z', fine, 'brief'],
    ['2018-07-29T17:43:00Z', reset, 'full'],
    ['2018-07-29T18:00:00Z', reset, 'full'],
    ['2018-07-29T19:26:00Z', fine, 'full'],
    ['2018-07-29T19:41:00Z', fine, 'brief'],
    ['2018-07-30T00:01:00Z', fine, 'full'],
    ['2018-07-30T00:16:00Z', fine, 'brief'],
  ]
  let history: History = {}
  for (const [at, seen, expected] of story) {
    const measurement = measuredAt(seen, at)
    const level = evidenceLevel(history, measurement)
    expect(`${at} ${level}`).toBe(`${at} ${expected}`)
    history = remember(history, measurement, level)
  }
})

it('isChange() is true of the first result, of each turn, and of nothing that a bad link explains', () => {
  const silent = join(query(['21.0.0.10']), connect('generic_timeout_error'))
  const story: readonly [string, Measurement, boolean][] = [
    ['first', measured(fine, { verdict: verdict('ok') }), true],
    ['the same', measured(fine, { verdict: verdict('ok') }), false],
    ['failure', measured(reset, { verdict: verdict('anomaly') }), true],
    ['the same failure', measured(reset, { verdict: verdict('anomaly') }), false],
    ['link down', measured(silent, { verdict: verdict('link_down'), link: link('down') }), false],
    ['link degraded', measured(silent, { verdict: verdict('undetermined'), link: link('degraded') }), false],
    ['failure still', measured(reset, { verdict: verdict('anomaly') }), false],
    ['unsure', measured(silent, { verdict: verdict('undetermined') }), false],
    ['fine again', measured(fine, { verdict: verdict('ok') }), true],
    ['fine still', measured(fine, { verdict: verdict('ok') }), false],
  ]
  let history: History = {}
  for (const [what, measurement, expected] of story) {
    expect(`${what}: ${isChange(history, measurement)}`).toBe(`${what}: ${expected}`)
    history = remember(history, measurement, 'full')
  }
})

it('isChange() is true also when a part of what fails turns, and of no part that is told for the first time', () => {
  const whole = (kind: VerdictKind, registration: VerdictKind, web: VerdictKind) =>
    measured(fine, {
      verdict: verdict(kind),
      parts: { registration: verdict(registration), web: verdict(web) },
    })
  const story: readonly [string, Measurement, boolean][] = [
    ['before it is told part by part', measured(fine, { verdict: verdict('ok') }), false],
    ['17:30', whole('ok', 'ok', 'ok'), false],
    ['17:43', whole('anomaly', 'ok', 'anomaly'), true],
    ['18:00', whole('anomaly', 'undetermined', 'anomaly'), false],
    ['19:08', whole('anomaly', 'anomaly', 'anomaly'), true],
    ['19:18', whole('anomaly', 'ok', 'anomaly'), true],
    ['19:26', whole('anomaly', 'anomaly', 'ok'), true],
    ['19:30', whole('anomaly', 'anomaly', 'ok'), false],
    [
      'a part that none had',
      measured(fine, { verdict: verdict('anomaly'), parts: { ipv6: verdict('anomaly') } }),
      false,
    ],
  ]
  let history: History = {}
  for (const [what, measurement, expected] of story) {
    expect(`${what}: ${isTurn(history, measurement)}`).toBe(`${what}: ${expected}`)
    history = remember(history, measurement, 'full')
  }
})

it('isChange() follows the link itself through every state', () => {
  const states = ['ok', 'link_down', 'link_down', 'ok', 'ok'] as const
  let history: History = {}
  const changes = states.map((each) => {
    const measurement = measured(fine, { name: 'link_check', input: null, verdict: verdict(each) })
    const changed = isChange(history, measurement)
    history = remember(history, measurement, 'full')
    return changed
  })
  expect(changes).toEqual([true, true, false, true, false])
})

it('recordClass() keeps longest what was found and what changed, also for the better', () => {
  const rows: readonly [string, VerdictKind, boolean, string][] = [
    ['web_connectivity', 'ok', false, 'routine'],
    ['web_connectivity', 'ok', true, 'anomaly'],
    ['web_connectivity', 'anomaly', false, 'anomaly'],
    ['web_connectivity', 'link_down', false, 'routine'],
    ['web_connectivity', 'undetermined', false, 'routine'],
    ['link_check', 'ok', false, 'routine'],
    ['link_check', 'ok', true, 'anomaly'],
    ['link_check', 'link_down', false, 'anomaly'],
  ]
  for (const [name, kind, changed, expected] of rows)
    expect(`${name} ${kind} ${changed} ${recordClass(name, verdict(kind), changed)}`).toBe(
      `${name} ${kind} ${changed} ${expected}`,
    )
})

function verdict(kind: VerdictKind): Verdict {
  return { verdict: kind, rule: 'test@1', step: null, how: null, because: [] }
}

describe('withEvidence()', () => {
  const der = { data: Buffer.alloc(900, 'a certificate').toString('base64'), format: 'base64' as const }
  const cost = { x_sonde_bytes_received: 1, x_sonde_bytes_sent: 1 }
  const rich: Observations = {
    ...fine,
    queries: fine.queries.map((each) => ({ ...each, ...cost, raw_response: 'AAAA' })),
    tls_handshakes: fine.tls_handshakes.map((each) => ({ ...each, peer_certificates: [der] })),
    requests: fine.requests.map((each) => ({
      ...each,
      ...cost,
      response: { ...each.response, headers: { Server: 'x' } },
    })),
  }
  const whole = measuredAt(rich, '2018-07-29T17:00:00Z')

  it('brief keeps every failure and time, and digests for the chain', () => {
    const { test_keys } = withEvidence(whole, 'brief')
    expect(test_keys.x_sonde_evidence).toBe('brief')
    expect(test_keys.queries[0]).not.toHaveProperty('raw_response')
    expect(test_keys.requests[0]?.response).toMatchObject({ code: 200, headers: {} })
    expect(test_keys.tls_handshakes[0]).toMatchObject({
      failure: null,
      t0: 0.1,
      t: 0.2,
      peer_certificates: [],
      x_sonde_certificates_sha256: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    })
    expect(JSON.stringify(withEvidence(whole, 'brief')).length).toBeLessThan(JSON.stringify(whole).length)
  })

  const beside = allNettests.flatMap(({ name, lists }) => lists.map((list) => [list, name] as const))
  it.each(beside)('brief keeps the bytes of the whole, and of no operation in %s of %s', (list, name) => {
    const seen = { ...rich, [list]: [{ ...cost, failure: null }] }
    const measurement = measured(seen, { name, bytes: { sent: 700, received: 4_000 } })
    const { test_keys } = withEvidence(measurement, 'brief')
    expect(test_keys).toMatchObject({ x_sonde_bytes_sent: 700, x_sonde_bytes_received: 4_000 })
    expect(test_keys).toMatchObject({ [list]: [{ failure: null }] })
    const { queries, requests, [list]: own } = test_keys
    expect(JSON.stringify([queries, requests, own])).not.toContain('x_sonde_bytes')
    expect(withEvidence(measurement, 'full').test_keys).toMatchObject({
      queries: [cost],
      requests: [cost],
      [list]: [cost],
    })
  })

  it('brief is judged as full is', () => {
    const brief = withEvidence(whole, 'brief').test_keys
    const judge = judging(webConnectivity)
    expect(judge(brief)).toEqual(judge(whole.test_keys))
  })

  it('full changes nothing but the mark', () => {
    const { x_sonde_evidence, ...rest } = withEvidence(whole, 'full').test_keys
    expect(x_sonde_evidence).toBe('full')
    expect(rest).toEqual(whole.test_keys)
  })

  it('times are told to 0.1 ms in full and to 1 ms in brief, wherever they stand', () => {
    const t0 = 0.123_456_789
    const precise = {
      ...whole,
      test_runtime: 1.987_654_321,
      test_keys: {
        ...whole.test_keys,
        tcp_connect: fine.tcp_connect.map((each) => ({ ...each, t0, t: t0 + 0.05 })),
        pings: [{ t0, responses: [{ t: t0 }] }],
        body_proportion: t0,
      },
    }
    for (const [level, t0Kept, tKept, runtime] of [
      ['full', 0.1235, 0.1735, 1.9877],
      ['brief', 0.123, 0.173, 1.988],
    ] as const) {
      const kept = withEvidence(precise, level)
      expect(kept.test_runtime).toBe(runtime)
      expect(kept.test_keys.tcp_connect[0]).toMatchObject({ t0: t0Kept, t: tKept })
      expect(kept.test_keys).toMatchObject({ pings: [{ t0: t0Kept, responses: [{ t: t0Kept }] }] })
      expect(kept.test_keys).toMatchObject({ body_proportion: t0 })
    }
  })

  it('brief has no TTLs', () => {
    const seen = join({ queries: fine.queries.map((each) => ({ ...each, answers: [answer(17)] })) })
    const kept = (level: 'brief' | 'full') =>
      withEvidence(measured(seen), level).test_keys.queries[0]?.answers
    expect(kept('full')).toEqual([answer(17)])
    expect(kept('brief')).toEqual([answer(null)])
  })
})

const answer = (ttl: number | null) => ({ answer_type: 'A', ipv4: '21.0.0.10', ttl })

describe('a certificate chain', () => {
  const shown = (name: string | null, at: string) => {
    const data = Buffer.from(`certificate ${name}`).toString('base64')
    const peer_certificates = name === null ? [] : [{ data, format: 'base64' as const }]
    const tls_handshakes = fine.tls_handshakes.map((each) => ({ ...each, peer_certificates }))
    return measuredAt({ ...fine, tls_handshakes }, at)
  }
  /** Keeps one after the other in full, and says of each whether its chain is whole or what stands for it. */
  function keptWhole(story: readonly (readonly [chain: string | null, at: string])[]): string[] {
    let history: History = {}
    return story.map(([name, at]) => {
      const measurement = shown(name, at)
      const kept = withEvidence(measurement, 'full', history).test_keys.tls_handshakes[0]
      history = remember(history, measurement, 'full')
      if (kept?.peer_certificates.length !== 0) return `${name} whole`
      return kept.x_sonde_certificates_sha256 === undefined ? 'none' : `${name} digest`
    })
  }

  it('is whole when it is first met and after a week, and whenever another one is shown', () => {
    expect(
      keptWhole([
        ['own', '2018-07-01T10:00:00Z'],
        ['own', '2018-07-01T10:15:00Z'],
        ['forged', '2018-07-02T10:00:00Z'],
        ['own', '2018-07-02T10:15:00Z'],
        ['forged', '2018-07-02T10:30:00Z'],
        ['own', '2018-07-07T23:59:00Z'],
        ['own', '2018-07-08T00:01:00Z'],
        ['own', '2018-07-08T00:16:00Z'],
        ['forged', '2018-07-08T12:00:00Z'],
        ['forged', '2018-07-09T12:00:00Z'],
      ]),
    ).toEqual([
      ...['own whole', 'own digest', 'forged whole', 'own digest', 'forged digest', 'own digest'],
      ...['own whole', 'own digest', 'forged digest', 'forged whole'],
    ])
  })

  it('is whole when the clock was set back to before it was kept', () => {
    expect(
      keptWhole([
        ['own', '2018-07-05T10:00:00Z'],
        ['own', '1970-01-01T00:00:10Z'],
        ['own', '1970-01-01T00:15:10Z'],
      ]),
    ).toEqual(['own whole', 'own whole', 'own digest'])
  })

  it('is forgotten when eight others came after it', () => {
    const others = Array.from({ length: 8 }, (_, i) => [`made up ${i}`, '2018-07-01T11:00:00Z'] as const)
    const story = [['own', '2018-07-01T10:00:00Z'] as const, ...others]
    expect(keptWhole([...story, ['made up 0', '2018-07-01T12:00:00Z']]).at(-1)).toBe('made up 0 digest')
    expect(keptWhole([...story, ['own', '2018-07-01T12:00:00Z']]).at(-1)).toBe('own whole')
  })

  it('is whole each time when it did not verify', () => {
    const good = shown('forged', '2018-07-01T10:00:00Z')
    const tls_handshakes = good.test_keys.tls_handshakes.map((each) => ({
      ...each,
      failure: 'ssl_unknown_authority' as const,
    }))
    const measurement = { ...good, test_keys: { ...good.test_keys, tls_handshakes } }
    const history = remember({}, measurement, 'full')
    const [kept] = withEvidence(measurement, 'full', history).test_keys.tls_handshakes
    expect(kept?.peer_certificates).toHaveLength(1)
    expect(kept?.x_sonde_certificates_sha256).toBeUndefined()
  })

  it('that was never shown has no digest in full', () => {
    expect(keptWhole([[null, '2018-07-01T10:00:00Z']])).toEqual(['none'])
  })

  it('is not known from what was kept in brief, nor from another target', () => {
    const measurement = shown('own', '2018-07-01T10:00:00Z')
    const inBrief = remember({}, measurement, 'brief')
    const elsewhere = remember({}, { ...measurement, input: 'https://other.example/' }, 'full')
    for (const history of [inBrief, elsewhere]) {
      const [kept] = withEvidence(measurement, 'full', history).test_keys.tls_handshakes
      expect(kept?.peer_certificates).toHaveLength(1)
    }
  })
})
