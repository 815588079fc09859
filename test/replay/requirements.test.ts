import { describe, expect, it } from 'vitest'
import { rightFindings } from '../support/sample-findings.ts'
import { detectionsOf } from './detection.ts'
import { timeOf } from './evening.ts'
import { mali2018 } from './mali-2018.ts'
import type { Finding } from './received.ts'
import { requirementsOf } from './requirements.ts'
import { type Series, visitsOf } from './visits.ts'

const visits = visitsOf(mali2018)
const right = rightFindings(mali2018, visits)
const onOrange: readonly Series[] = [
  { schedule: 'report', device: 'o', isp: 'o' },
  { schedule: 'base', device: 'o', isp: 'o' },
  { schedule: 'base', device: 'both', isp: 'o' },
]

/** The faults of each requirement, in their order: arrived, onsets, accusations, tables. */
function faults(findings: readonly Finding[], planned = visits): readonly (readonly string[])[] {
  const detections = detectionsOf(mali2018, 'o', findings, onOrange)
  return requirementsOf({ evening: mali2018, visits: planned, findings, detections }).map(
    (each) => each.faults,
  )
}

const changed = (which: (finding: Finding) => boolean, change: Partial<Finding>) =>
  right.map((each) => (which(each) ? { ...each, ...change } : each))
const is = (schedule: string, isp: string, subject: string, time: string) => (each: Finding) =>
  each.schedule === schedule && each.isp === isp && each.subject === subject && timeOf(each.cycleAt) === time

it('requirementsOf() finds nothing amiss in an evening measured right', () => {
  expect(faults(right)).toEqual([[], [], [], []])
})

describe('requirementsOf() says', () => {
  it('what did not arrive', () => {
    const [arrived] = faults(right.filter((each) => !is('base', 'm', 'whatsapp web', '18:30')(each)))
    expect(arrived).toEqual(['base m m: whatsapp web at 18:30', 'base both m: whatsapp web at 18:30'])
  })

  it('that a cycle two minutes late is late, and one a minute late is not', () => {
    const late = (ms: number) =>
      right.map((each) =>
        is('base', 'm', 'whatsapp web', '18:30')(each) ? { ...each, cycleAt: each.cycleAt + ms } : each,
      )
    expect(faults(late(60_000))[0]).toEqual([])
    expect(faults(late(121_000))[0]).toHaveLength(2)
    // Before its time nobody can have measured it.
    expect(faults(late(-1_000))[0]).toHaveLength(2)
  })

  it('which onset is known too roughly', () => {
    const doubtful = changed(is('base', 'o', 'https://twitter.com/', '17:45'), { reached: null })
    expect(faults(doubtful)[1]).toEqual([
      'base o o: https://twitter.com/ from 17:38: 30 min 17:30–18:00',
      'base both o: https://twitter.com/ from 17:38: 30 min 17:30–18:00',
    ])
  })

  it('which onset was missed', () => {
    const blind = right.map((each) =>
      each.device === 'both' && each.subject === 'whatsapp web' ? { ...each, reached: true } : each,
    )
    expect(faults(blind)[1]).toEqual(['base both o: whatsapp web from 17:43: missed'])
  })

  it('that an onset without a good measurement before it is not known', () => {
    const late = right.filter(
      (each) => each.device !== 'o' || each.schedule !== 'base' || timeOf(each.cycleAt) > '17:40',
    )
    expect(faults(late)[1]).toContain('base o o: https://twitter.com/ from 17:38: by 17:45')
  })

  it.each([
    ['an anomaly on AS21271', is('base', 'm', 'https://twitter.com/', '18:00')],
    ['an anomaly on AS30985 before anything happened', is('base', 'o', 'https://twitter.com/', '17:30')],
    ['an anomaly on AS30985 of what was let through', is('base', 'o', 'whatsapp endpoints', '19:15')],
    ['an anomaly when all was over', is('base', 'o', 'whatsapp web', '20:15')],
  ])('%s', (_what, which) => {
    const accused = changed(which, { reached: false, outcome: 'Connection reset' })
    const [, , accusations] = faults(accused)
    expect(accusations).toHaveLength(2)
    expect(accusations?.[0]).toContain('Connection reset')
  })

  it('an anomaly that its cycle took back', () => {
    const first = right.find(is('base', 'm', 'https://twitter.com/', '18:00'))
    if (first === undefined) throw new Error('The schedule measures twitter.com on AS21271')
    const takenBack = { ...first, at: first.at - 1_000, reached: false, outcome: 'SSL error', repeated: true }
    expect(faults([...right, takenBack])[2]).toEqual(['base m m: https://twitter.com/ at 18:00: SSL error'])
  })

  it('nothing of what could not be told: doubt accuses nobody', () => {
    const doubtful = changed(is('base', 'm', 'https://twitter.com/', '18:00'), { reached: null })
    expect(faults(doubtful)[2]).toEqual([])
  })

  it('which published row did not come out, and what came instead', () => {
    const other = changed(is('report', 'o', 'whatsapp web', '17:43'), { outcome: 'Generic timeout error' })
    expect(faults(other)[3]).toEqual([
      'published is "whatsapp at 17:43: registration OK, endpoints OK, web Connection reset", received was "whatsapp at 17:43: registration OK, endpoints OK, web Generic timeout error"',
    ])
    const gone = right.filter((each) => !is('report', 'o', 'https://twitter.com/', '01:19')(each))
    expect(faults(gone)[3]).toEqual([
      'published is "https://twitter.com/ at 01:19: Accessible", received was "nothing"',
    ])
  })

  it('that an evening in which nothing was measured shows nothing', () => {
    expect(faults([], []).map((each) => each.length > 0)).toEqual([true, true, false, true])
    expect(faults([])[0]?.length).toBeGreaterThan(200)
  })
})
