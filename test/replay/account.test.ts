// What is shown of a replay, from the collector's lines to terminal, page and files.

import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../tests-spec/nettests/verdict.ts'
import { isps } from '../lab/topology.ts'
import { rightFindings } from '../support/sample-findings.ts'
import { type SampleMeasurement, sampleMeasurement } from '../support/sample-probe.ts'
import { accountOf } from './account.ts'
import { csv, csvFiles } from './csv.ts'
import { mali2018 } from './mali-2018.ts'
import { accountPage } from './page.ts'
import type { Played } from './play.ts'
import { accountText, tableText, wrapped } from './terminal.ts'
import { plannedOf, visitsOf } from './visits.ts'

const visits = await visitsOf(mali2018)

/** An evening as a collector might export it: one device for each part of a schedule, all verdicts right. */
function playedRight(): Played {
  const ids = new Map<string, string>()
  const idOf = (name: string) => {
    if (!ids.has(name)) ids.set(name, String(ids.size).padStart(32, 'a'))
    return ids.get(name) ?? ''
  }
  const lines = visits.map((visit, n) => {
    const findings = rightFindings(mali2018, [visit])
    const device = idOf(`${visit.schedule} ${visit.device}`)
    const network = { asn: isps[visit.isp].asn, name: '' }
    return findings
      .filter(({ subject }) => !subject.startsWith('whatsapp') || subject === 'whatsapp web')
      .map(({ subject, outcome }, index) => {
        const part = (name: string) =>
          verdictFor(findings.find((each) => each.subject === `whatsapp ${name}`)?.outcome ?? 'Accessible')
        const parts = { registration: part('registration'), endpoints: part('endpoints'), web: part('web') }
        const sample: SampleMeasurement =
          subject === 'whatsapp web'
            ? { testName: 'whatsapp', input: null, parts, verdict: verdictFor(outcome) }
            : { input: subject, verdict: verdictFor(outcome) }
        const measurement = sampleMeasurement({ ...sample, network, at: visit.at })
        return JSON.stringify({ device, epoch: 'e', n: n * 10 + index, measurement })
      })
  })
  const enrolled = Object.fromEntries(
    visits.map(({ schedule, device }) => [idOf(`${schedule} ${device}`), { schedule, device }]),
  )
  return { visits, lines: lines.flat(), enrolled, seconds: 61.4, labs: 4 }
}

function verdictFor(outcome: string): Verdict {
  const say = (step: Verdict['step'], how: string): Verdict => ({
    verdict: 'anomaly',
    rule: 'web_connectivity/sample@1',
    step,
    how,
    because: [],
  })
  switch (outcome) {
    case 'SSL error':
      return say('tls_handshake', 'ssl_unknown_authority')
    case 'HTTP failure':
      return say('http_round_trip', 'connection_reset')
    case 'Connection reset':
      return say('tls_handshake', 'connection_reset')
    case 'Generic timeout error':
      return say('connect', 'generic_timeout_error')
    default:
      return { verdict: 'ok', rule: 'web_connectivity/sample@1', step: null, how: null, because: [] }
  }
}

const account = await accountOf(mali2018, playedRight())

describe('accountOf()', () => {
  it('finds that everything holds, from the lines alone', () => {
    expect(account.requirements.map(({ faults }) => faults)).toEqual(Array(8).fill([]))
    expect(account.devices).toBe(9)
  })

  it('finds that nothing was measured when there are no lines', async () => {
    const empty = await accountOf(mali2018, { ...playedRight(), lines: [] })
    expect(empty.requirements.filter(({ faults }) => faults.length > 0)).toHaveLength(7)
  })

  it('sums up each schedule', () => {
    expect(account.columns.map(({ title, summary }) => [title, summary])).toEqual([
      ['report', { turns: 12, seen: 8, flaps: 2, flapsSeen: 2, widestOnsetMinutes: 1078 }],
      ['15 min', { turns: 12, seen: 10, flaps: 2, flapsSeen: 0, widestOnsetMinutes: 15 }],
      ['15 min, both lines', { turns: 12, seen: 10, flaps: 2, flapsSeen: 0, widestOnsetMinutes: 15 }],
      ['spread', { turns: 12, seen: 10, flaps: 2, flapsSeen: 1, widestOnsetMinutes: null }],
      ['two probes', { turns: 12, seen: 12, flaps: 2, flapsSeen: 2, widestOnsetMinutes: 13 }],
      ['with burst', { turns: 12, seen: 12, flaps: 2, flapsSeen: 2, widestOnsetMinutes: 15 }],
    ])
  })
})

describe('accountText()', () => {
  it.each([40, 60, 80, 120, 200])('fits %i columns', (columns) => {
    const lines = accountText(account, columns).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
  })

  it('has its tables as tables where there is room', () => {
    const text = accountText(account, 180)
    expect(text).toMatch(/^17:43 +OK +OK +Connection reset$/m)
    expect(text).toMatch(/^https:\/\/twitter\.com\/ +17:38 +SSL error$/m)
    expect(text).toMatch(
      /^19:18 WhatsApp registration back \(flap\) +10 min 19:08–19:18 +missed +missed +missed +8 min 19:12–19:20 +2 min 19:17–19:19$/m,
    )
    expect(text).toContain('Played in 61 s of real time')
  })

  it('says NO, and why, when something does not hold', () => {
    const [first, ...others] = account.requirements
    if (first === undefined) throw new Error('Something is required')
    const broken = { ...account, requirements: [{ ...first, faults: ['base o o: x at 18:00'] }, ...others] }
    expect(accountText(broken, 80)).toMatch(/^NO {3}Everything .*\n {5}- base o o: x at 18:00$/m)
    expect(accountPage(broken)).toContain('DOES NOT HOLD')
    expect(accountText(account, 80)).not.toContain('NO ')
  })
})

it('tableText() shows a table that is too wide as lists, and nothing for no rows', () => {
  const table = { head: ['Target', 'Outcome'], rows: [['https://site.test/', 'Connection reset']] }
  expect(tableText(table, 36)).toContain('Target              Outcome')
  expect(tableText(table, 35)).toBe('https://site.test/\n  Outcome: Connection reset')
  expect(tableText({ ...table, rows: [] }, 80)).toBe('')
})

it.each([
  ['a b', 80, 'a b'],
  ['aaa bbb ccc', 7, 'aaa bbb\n  ccc'],
  ['aaa bbb ccc', 3, 'aaa\n  b\n  b\n  b\n  c\n  c\n  c'],
  ['abcdefgh', 5, 'abcde\n  fgh'],
  ['  - a b', 5, '  - a\n  b'],
  ['', 10, ''],
])('wrapped(%j, %i) breaks at blanks, and words only where they must', (text, columns, expected) => {
  expect(wrapped(text, columns, '  ')).toBe(expected)
})

describe('accountPage()', () => {
  const page = accountPage(account)

  it('asks for nothing from elsewhere and runs nothing', () => {
    expect(page).not.toMatch(/<script|\ssrc=|<link|@import|url\(|\son\w+=/i)
  })

  it('shows each outcome of the report in words, and colour only beside them', () => {
    expect(page).toContain('<b class="anomaly">SSL error</b>')
    expect(page).toContain('<b class="anomaly">HTTP failure</b>')
    expect(page).toContain('<b class="ok">Accessible</b>')
    expect(page).toContain('<b class="none">missed</b>')
    expect(page).not.toContain('undefined')
  })

  it('takes nothing from a measurement for markup', () => {
    const [first, ...others] = account.chapters
    if (first === undefined) throw new Error('The account has chapters')
    const urls = [{ url: '<img src=x>', at: '17:00', outcome: '"&' }]
    const hostile = accountPage({ ...account, chapters: [{ ...first, urls }, ...others] })
    expect(hostile).toContain('&lt;img src=x&gt;')
    expect(hostile).not.toContain('<img')
  })
})

describe('csvFiles()', () => {
  const files = csvFiles(account)

  it('have every row with its schedule, device and network', () => {
    const onPlan = visits.filter(({ schedule }) => plannedOf[schedule] !== undefined)
    const planned = (wanted: string) =>
      onPlan.flatMap(({ entries }) => entries.filter(({ nettest }) => nettest === wanted)).length
    const rows = (name: string) => files[name]?.split('\r\n').filter(Boolean) ?? []
    expect(rows('whatsapp.csv')[0]).toBe('Schedule,Device,Network,Time,Registration,Endpoints,Web')
    expect(rows('whatsapp.csv')).toContain('report,o,AS30985,17:43,OK,OK,Connection reset')
    expect(rows('whatsapp.csv')).toHaveLength(1 + planned('whatsapp') + 5 + 2 + 4 * 13)
    expect(rows('urls.csv')).toContain('base,both,AS21271,https://twitter.com/,18:00,Accessible')
    expect(rows('urls.csv')).toHaveLength(1 + planned('web_connectivity') + 6 + 2 + 4 * 13 * 3)
    expect(rows('changes.csv')).toHaveLength(1 + 1 + 12)
  })

  it.each([
    ['a', 'a'],
    ['a,b', '"a,b"'],
    ['say "a"', '"say ""a"""'],
    ['a\r\nb', '"a\r\nb"'],
    ['=1+1', "'=1+1"],
    ['@x', "'@x"],
    ['-1', "'-1"],
    ['', ''],
  ])('csv() writes %j as %j', (cell, written) => {
    expect(csv({ head: [cell], rows: [] })).toBe(`${written}\r\n`)
  })
})
