import { describe, expect, it } from 'vitest'
import { rightFindings } from '../support/sample-findings.ts'
import { detectionsOf, durationWords, intervalWords } from './detection.ts'
import { instantOf, timeOf } from './evening.ts'
import { mali2018 } from './mali-2018.ts'
import type { Finding } from './received.ts'
import { type Series, seriesName, visitsOf } from './visits.ts'

const findings = rightFindings(mali2018, await visitsOf(mali2018))
const report: Series = { schedule: 'report', device: 'o', isp: 'o' }
const base: Series = { schedule: 'base', device: 'o', isp: 'o' }
const at = (time: string) => instantOf('2018-07-29', time)

const shown = (series: Series, all: readonly Finding[] = findings) =>
  Object.fromEntries(
    detectionsOf(mali2018, 'o', all, [series]).map(({ turn, seen }) => [
      `${timeOf(turn.at)} ${turn.subject} ${turn.to}`,
      intervalWords(seen[seriesName(series)] ?? null),
    ]),
  )

describe('detectionsOf()', () => {
  it("knows what the report's measurements say, and misses the end, which nobody measured", () => {
    expect(shown(report)).toEqual({
      '17:38 https://twitter.com/ failing': '16 h 19 min 01:19–17:38',
      '17:43 whatsapp web failing': '16 h 43 min 01:00–17:43',
      '19:08 whatsapp registration failing': '1 h 25 min 17:43–19:08',
      '19:14 http://guardianproject.info/ failing': '17 h 52 min 01:22–19:14',
      '19:14 http://www.anonymizer.ru/ failing': '17 h 58 min 01:16–19:14',
      '19:18 whatsapp registration reached': '10 min 19:08–19:18',
      '19:26 whatsapp registration failing': '8 min 19:18–19:26',
      '19:26 whatsapp web reached': '8 min 19:18–19:26',
      '19:52 whatsapp registration reached': 'missed',
      '19:52 https://twitter.com/ reached': 'missed',
      '19:52 http://guardianproject.info/ reached': 'missed',
      '19:52 http://www.anonymizer.ru/ reached': 'missed',
    })
  })

  it('knows every quarter of an hour all but the flap between two of them', () => {
    const found = shown(base)
    const missed = Object.keys(found).filter((turn) => found[turn] === 'missed')
    expect(missed).toEqual(['19:18 whatsapp registration reached', '19:26 whatsapp registration failing'])
    expect(found['19:08 whatsapp registration failing']).toBe('15 min 19:00–19:15')
    expect(found['19:52 whatsapp registration reached']).toBe('15 min 19:45–20:00')
    for (const words of Object.values(found)) expect(words).toMatch(/^15 min |^missed$/)
  })

  it('widens the interval by a measurement that could not tell', () => {
    const doubtful = findings.map((each) =>
      each.subject === 'https://twitter.com/' && timeOf(each.cycleAt) === '17:45'
        ? { ...each, reached: null }
        : each,
    )
    expect(shown(base, doubtful)['17:38 https://twitter.com/ failing']).toBe('30 min 17:30–18:00')
  })

  it('counts from the first bad look, and not from the repeat', () => {
    const own = findings.map((each) => ({ ...each, repeated: !each.reached }))
    const again = own
      .filter(({ reached }) => !reached)
      .map((each) => ({ ...each, at: each.at + 70_000, repeated: false }))
    const found = shown(base, [...own, ...again])
    expect(found['17:38 https://twitter.com/ failing']).toBe('15 min 17:30–17:45')
    // And the last bad look, which is the repeat, for the way back.
    expect(found['19:52 https://twitter.com/ reached']).toBe('14 min 19:46–20:00')
  })

  it('calls nothing seen that was measured the other way round', () => {
    const upsideDown = findings.map((each) => ({ ...each, reached: !each.reached }))
    expect(shown(base, upsideDown)['17:38 https://twitter.com/ failing']).toBe('missed')
  })

  it('gives one change to one turn only', () => {
    const only = findings.filter(({ cycleAt }) => [at('17:15'), at('19:30')].includes(cycleAt))
    const found = shown(base, only)
    expect(found['19:08 whatsapp registration failing']).toBe('2 h 15 min 17:15–19:30')
    expect(found['19:26 whatsapp registration failing']).toBe('missed')
  })

  it('has nothing to say for a series that measured nothing', () => {
    expect(new Set(Object.values(shown(base, [])))).toEqual(new Set(['missed']))
  })

  it('keeps the series apart', () => {
    const fromReport = findings.filter(({ schedule }) => schedule === 'report')
    expect(new Set(Object.values(shown(base, fromReport)))).toEqual(new Set(['missed']))
  })
})

it.each([
  [null, 'missed'],
  [{ after: at('17:30'), by: at('17:45') }, '15 min 17:30–17:45'],
  [{ after: at('17:30') + 59_000, by: at('17:45') }, '15 min 17:30–17:45'],
  [{ after: null, by: at('17:45') }, 'by 17:45'],
])('intervalWords(%j) is %s', (interval, words) => {
  expect(intervalWords(interval)).toBe(words)
})

it.each([
  [0, '0 min'],
  [59, '59 min'],
  [60, '1 h 0 min'],
  [979, '16 h 19 min'],
])('durationWords(%i) is %s', (minutes, words) => {
  expect(durationWords(minutes)).toBe(words)
})
