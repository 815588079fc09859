import { describe, expect, it } from 'vitest'
import { compile } from '../lab/policy.ts'
import { isps, sites } from '../lab/topology.ts'
import {
  instantOf,
  interferenceAt,
  minutesBetween,
  rulesAt,
  subjectOf,
  subjectsOf,
  timeOf,
  turnsOf,
} from './evening.ts'
import { mali2018 } from './mali-2018.ts'

const at = (time: string) => instantOf('2018-07-29', time)

describe('instantOf()', () => {
  it('reads a minute of a day as UTC, and timeOf() writes it again', () => {
    expect(at('17:38')).toBe(Date.UTC(2018, 6, 29, 17, 38))
    expect(timeOf(at('17:38') + 59_999)).toBe('17:38')
  })

  it.each([
    ['2018-07-29', '17:3'],
    ['2018-07-29', '17:38:00'],
    ['2018-07-29', '24:01'],
    ['2018-07-29', '17:60'],
    ['2018-07-29', ''],
    ['2018-13-29', '17:38'],
    ['29 July 2018', '17:38'],
  ])('refuses %s %j', (day, time) => {
    expect(() => instantOf(day, time)).toThrow(/Cannot read/)
  })
})

it.each([
  ['01:19', '17:38', 979],
  ['17:30', '17:45', 15],
  ['17:38', '17:38', 0],
])('minutesBetween() of %s and %s is %i', (from, until, minutes) => {
  expect(minutesBetween(at(from), at(until))).toBe(minutes)
  // Seconds within their minutes do not count, as in the report.
  expect(minutesBetween(at(from) + 59_000, at(until) + 1_000)).toBe(minutes)
})

it('subjectOf() names a URL by itself, and a function by its service', () => {
  expect(subjectOf('web_connectivity', 'https://site.test/', null)).toBe('https://site.test/')
  expect(subjectOf('whatsapp', null, 'web')).toBe('whatsapp web')
  expect(subjectOf('telegram', null, null)).toBe('telegram')
})

describe('the timetable of mali-2018', () => {
  const said = (time: string) =>
    subjectsOf(mali2018.entries).flatMap((subject) => {
      const found = interferenceAt(mali2018, 'o', subject, at(time))
      return found === null ? [] : [`${subject}: ${found.outcome}`]
    })
  const twitter = 'https://twitter.com/: SSL error'
  const sitesFail = ['http://guardianproject.info/: HTTP failure', 'http://www.anonymizer.ru/: HTTP failure']

  it.each([
    ['01:20', []],
    ['12:00', []],
    ['17:37', []],
    ['17:38', [twitter]],
    ['17:43', ['whatsapp web: Connection reset', twitter]],
    [
      '19:08',
      ['whatsapp registration: Generic timeout error', 'whatsapp web: Generic timeout error', twitter],
    ],
    [
      '19:14',
      [
        'whatsapp registration: Generic timeout error',
        'whatsapp web: Generic timeout error',
        twitter,
        ...sitesFail,
      ],
    ],
    ['19:18', ['whatsapp web: Generic timeout error', twitter, ...sitesFail]],
    ['19:26', ['whatsapp registration: Generic timeout error', twitter, ...sitesFail]],
    ['19:51', ['whatsapp registration: Generic timeout error', twitter, ...sitesFail]],
    ['19:52', []],
    ['23:59', []],
  ])('at %s: %j', (time, expected) => {
    expect(said(time)).toEqual(expected)
  })

  it('leaves AS21271 alone at every minute of the day', () => {
    for (let minute = 0; minute < 1440; minute++)
      expect(rulesAt(mali2018, 'm', at('00:00') + minute * 60_000)).toEqual([])
  })

  it('has rules wherever it says that something fails, for sites the lab has, and all compile', () => {
    for (const { subject, from, rules } of mali2018.interference) {
      expect(rules.length, subject).toBeGreaterThan(0)
      for (const rule of rules) {
        const name = 'site' in rule ? rule.site : 'name' in rule ? rule.name : ''
        expect(Object.keys(sites)).toContain(name)
      }
      expect(() => compile({ isp: 'o', rules: rulesAt(mali2018, 'o', at(from)) }, isps.o)).not.toThrow()
    }
  })

  it('never has two stories about one subject at one minute', () => {
    for (let minute = 0; minute < 1440; minute++) {
      const now = at('00:00') + minute * 60_000
      const stories = mali2018.interference.filter(({ from, until }) => at(from) <= now && now < at(until))
      expect(new Set(stories.map(({ subject }) => subject)).size).toBe(stories.length)
    }
  })

  it('says at the published minutes what was published', () => {
    const cell = (subject: string, time: string) => interferenceAt(mali2018, 'o', subject, at(time))?.outcome
    for (const row of mali2018.published.whatsapp) {
      expect(cell('whatsapp registration', row.at) ?? 'OK').toBe(row.registration)
      expect(cell('whatsapp endpoints', row.at) ?? 'OK').toBe(row.endpoints)
      expect(cell('whatsapp web', row.at) ?? 'OK').toBe(row.web)
    }
    for (const row of mali2018.published.urls) expect(cell(row.url, row.at) ?? 'Accessible').toBe(row.outcome)
  })
})

describe('turnsOf()', () => {
  const short = turnsOf(mali2018, 'o').map(
    ({ subject, to, at: instant, lasted }) => `${timeOf(instant)} ${subject} ${to} ${lasted}`,
  )

  it('has every turn of the evening, in the order of time', () => {
    expect(short).toEqual([
      '17:38 https://twitter.com/ failing null',
      '17:43 whatsapp web failing null',
      '19:08 whatsapp registration failing null',
      '19:14 http://guardianproject.info/ failing null',
      '19:14 http://www.anonymizer.ru/ failing null',
      '19:18 whatsapp registration reached 10',
      '19:26 whatsapp registration failing 8',
      '19:26 whatsapp web reached 103',
      '19:52 whatsapp registration reached 26',
      '19:52 https://twitter.com/ reached 134',
      '19:52 http://guardianproject.info/ reached 38',
      '19:52 http://www.anonymizer.ru/ reached 38',
    ])
  })

  it('takes one failure that follows another at once for no turn', () => {
    expect(short.filter((turn) => turn.startsWith('19:08 whatsapp web'))).toEqual([])
  })

  it('has none where nothing happens', () => {
    expect(turnsOf(mali2018, 'm')).toEqual([])
    expect(turnsOf({ ...mali2018, interference: [] }, 'o')).toEqual([])
  })
})
