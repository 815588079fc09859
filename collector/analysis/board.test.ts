// The board as a table of values.

import { describe, expect, it } from 'vitest'
import { board, isDateDoubtful, type Result, type ShownVerdict, shownDate } from './board.ts'

const ok: ShownVerdict = { verdict: 'ok', step: null, how: null }
const anomaly: ShownVerdict = { verdict: 'anomaly', step: 'connect', how: 'generic_timeout_error' }
const down: ShownVerdict = { verdict: 'link_down', step: null, how: null }
const doubt: ShownVerdict = { verdict: 'undetermined', step: 'resolve', how: 'dns_nxdomain_error' }

const result = (
  input: string | null,
  asn: string,
  found: ShownVerdict,
  more: Partial<Result> = {},
): Result => ({
  testName: input === null ? 'whatsapp' : 'web_connectivity',
  input,
  asn,
  networkName: `Network ${asn}`,
  found,
  parts: null,
  startedAt: 1_000,
  clock: 'synced',
  correctedAt: 1_000,
  errorMs: null,
  receivedAt: 2_000,
  device: 'd'.repeat(32),
  ...more,
})

const most = (targets: number) => ({ targets, networks: 16, cells: 10_000 })

describe('board()', () => {
  it('is empty without results', () => {
    expect(board([], most(10))).toEqual({ networks: [], hiddenNetworks: 0, targets: [], hidden: 0 })
  })

  it('puts one row a target and one column a network, and leaves empty what was not measured', () => {
    const { networks, targets } = board(
      [result('https://a.test/', 'AS9', ok), result('https://b.test/', 'AS10', ok)],
      most(10),
    )
    expect(networks.map(({ asn }) => asn)).toEqual(['AS9', 'AS10'])
    expect(
      targets.map(({ input, results }) => [input, ...results.map((each) => each?.found.verdict ?? null)]),
    ).toEqual([
      ['https://a.test/', 'ok', null],
      ['https://b.test/', null, 'ok'],
    ])
  })

  it('puts the gravest first, then services, then addresses by name', () => {
    const results = [
      result('https://z.test/', 'AS1', ok),
      result('https://y.test/', 'AS1', down),
      result('https://x.test/', 'AS1', doubt),
      result('https://w.test/', 'AS1', ok),
      result('https://w.test/', 'AS2', anomaly),
      result('https://a.test/', 'AS1', ok),
      result(null, 'AS1', ok),
    ]
    expect(board(results, most(10)).targets.map(({ input }) => input)).toEqual([
      'https://w.test/',
      'https://x.test/',
      'https://y.test/',
      null,
      'https://a.test/',
      'https://z.test/',
    ])
  })

  it('hides no target that is graver than one it shows, and counts those it hides', () => {
    const results = [result('https://a.test/', 'AS1', ok), result('https://b.test/', 'AS1', anomaly)]
    const { targets, hidden, networks } = board(results, most(1))
    expect({ shown: targets.map(({ input }) => input), hidden }).toEqual({
      shown: ['https://b.test/'],
      hidden: 1,
    })
    expect(networks[0]?.counts).toEqual({ ok: 1, anomaly: 1, link_down: 0, undetermined: 0 })
  })

  it('shows the networks with the most results, and no more cells than it may', () => {
    const all = Array.from({ length: 30 }, (_, n) =>
      Array.from({ length: n + 1 }, (_, m) => result(`https://${m}.test/`, `AS${n + 1}`, ok)),
    ).flat()
    const shown = board(all, { targets: 1_000, networks: 4, cells: 40 })
    expect(shown.networks.map(({ asn }) => asn)).toEqual(['AS27', 'AS28', 'AS29', 'AS30'])
    expect(shown).toMatchObject({ hiddenNetworks: 26, hidden: 20 })
    expect(shown.targets).toHaveLength(10)
    const parts = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`part ${n}`, ok]))
    const few = board([result(null, 'AS1', ok, { parts })], { targets: 9, networks: 4, cells: 4 })
    expect(few.targets.map((target) => target.parts.length)).toEqual([8])
  })

  it('calls a network what the probe that spoke last calls it', () => {
    const results = [
      result('https://a.test/', 'AS1', ok, { networkName: 'New name', receivedAt: 9 }),
      result('https://b.test/', 'AS1', ok, { networkName: 'Old name', receivedAt: 5 }),
    ]
    expect(board(results, most(10)).networks).toMatchObject([{ name: 'New name' }])
  })

  it('names the parts any network has', () => {
    const results = [
      result(null, 'AS1', anomaly, { parts: { web: anomaly, registration: ok } }),
      result(null, 'AS2', ok, { parts: { web: ok, endpoints: ok } }),
    ]
    expect(board(results, most(10)).targets[0]?.parts).toEqual(['web', 'registration', 'endpoints'])
  })
})

describe('isDateDoubtful()', () => {
  it.each([
    ['a clock that was set', {}, false],
    ['a clock nobody set', { clock: 'unknown' }, true],
    ['a measurement from after its receipt', { startedAt: 3_600_000 }, true],
    ['a clock a little ahead', { startedAt: 60_000 }, false],
    ['a clock nobody set, once receipts have dated it', { clock: 'unknown', errorMs: 500 }, false],
  ])('judges %s', (_, more, doubtful) => {
    expect(isDateDoubtful(result(null, 'AS1', ok, more))).toBe(doubtful)
  })
})

describe('shownDate()', () => {
  const hour = 3_600_000
  it.each([
    ['a date that nobody can correct', {}, { at: 1_000, withinMs: null, byProbe: null }],
    [
      'a date that is right to the minute',
      { correctedAt: 1_200, errorMs: 300 },
      { at: 1_000, withinMs: null, byProbe: null },
    ],
    [
      'a date that is wrong for certain',
      { correctedAt: 9 * hour, errorMs: 400, clock: 'unknown' },
      { at: 9 * hour, withinMs: 400, byProbe: 1_000 },
    ],
    [
      'a date that may be right, by a clock nobody set',
      { correctedAt: 9 * hour, errorMs: 10 * hour, clock: 'restored' },
      { at: 9 * hour, withinMs: 10 * hour, byProbe: null },
    ],
    [
      'a date that may be right, by a clock that was set',
      { correctedAt: 1_000, errorMs: 10 * hour },
      { at: 1_000, withinMs: null, byProbe: null },
    ],
  ])('shows %s', (_, more, shown) => {
    expect(shownDate(result(null, 'AS1', ok, more))).toEqual(shown)
  })
})
