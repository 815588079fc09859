import { describe, expect, it } from 'vitest'
import { rightFindings } from '../support/sample-findings.ts'
import { mali2018 } from './mali-2018.ts'
import { collapsed, ofSeries, urlRows, whatsappRows } from './tables.ts'
import { type Series, visitsOf } from './visits.ts'

const findings = rightFindings(mali2018, await visitsOf(mali2018))
const report: Series = { schedule: 'report', device: 'o', isp: 'o' }
const base: Series = { schedule: 'base', device: 'o', isp: 'o' }
const urls = ['https://twitter.com/', 'http://guardianproject.info/', 'http://www.anonymizer.ru/']

describe('whatsappRows()', () => {
  it('are the published ones, and the night before, when measured as the report was', () => {
    const [night, ...evening] = whatsappRows(ofSeries(findings, report))
    expect(night).toEqual({ at: '01:00', registration: 'OK', endpoints: 'OK', web: 'OK' })
    expect(evening).toEqual(mali2018.published.whatsapp)
  })

  it('say what was not measured, and show no finding that its cycle measured again', () => {
    const [first, ...others] = ofSeries(findings, base).filter(({ subject }) => subject === 'whatsapp web')
    if (first === undefined) throw new Error('The schedule measures WhatsApp')
    const lost = { ...first, outcome: 'Generic timeout error', reached: false, repeated: true }
    const rows = whatsappRows([lost, { ...first, at: first.at + 1_000 }, ...others])
    expect(rows[0]).toEqual({ at: '17:15', registration: '–', endpoints: '–', web: 'OK' })
    expect(rows).toHaveLength(13)
  })

  it('are none where WhatsApp was not measured', () => {
    expect(whatsappRows(findings.filter(({ subject }) => !subject.startsWith('whatsapp')))).toEqual([])
  })
})

describe('urlRows()', () => {
  it('are the published ones when measured as the report was', () => {
    expect(urlRows(ofSeries(findings, report), urls)).toEqual(mali2018.published.urls)
  })

  it('come by URL and then by time, whatever the order of arrival', () => {
    const own = ofSeries(findings, base)
    expect(urlRows([...own].reverse(), urls)).toEqual(urlRows(own, urls))
    expect(urlRows(own, urls)).toHaveLength(3 * 13)
    expect(urlRows(own, ['https://elsewhere.test/'])).toEqual([])
  })
})

describe('collapsed()', () => {
  const rows = (...words: readonly string[]) => words.map((outcome, n) => ({ at: `0${n}:00`, outcome }))

  it.each([
    [[], []],
    [['a'], ['00:00 a']],
    [['a', 'a'], ['00:00 to 01:00, 2 times a']],
    [
      ['a', 'a', 'b', 'a'],
      ['00:00 to 01:00, 2 times a', '02:00 b', '03:00 a'],
    ],
  ])('%j', (words, expected) => {
    expect(collapsed(rows(...words)).map(({ at, outcome }) => `${at} ${outcome}`)).toEqual(expected)
  })

  it('keeps rows of different targets apart', () => {
    const mixed = [
      { url: 'a', at: '01:00', outcome: 'x' },
      { url: 'b', at: '01:00', outcome: 'x' },
    ]
    expect(collapsed(mixed)).toEqual(mixed)
  })
})
