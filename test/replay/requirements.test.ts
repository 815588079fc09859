import { describe, expect, it } from 'vitest'
import { rightFindings } from '../support/sample-findings.ts'
import { detectionsOf, onsetsOf } from './detection.ts'
import { timeOf } from './evening.ts'
import { mali2018 } from './mali-2018.ts'
import type { Finding } from './received.ts'
import { requirementsOf } from './requirements.ts'
import { type Series, visitsOf } from './visits.ts'

const visits = await visitsOf(mali2018)
const right = rightFindings(mali2018, visits)
const onOrange: readonly Series[] = [
  { schedule: 'report', device: 'o', isp: 'o' },
  { schedule: 'base', device: 'o', isp: 'o' },
  { schedule: 'base', device: 'both', isp: 'o' },
  { schedule: 'spread', device: 'o', isp: 'o' },
  { schedule: 'pair', device: 'o', isp: 'o' },
  { schedule: 'burst', device: 'o', isp: 'o' },
]

/** The faults of each requirement, in their order: arrived, onsets, accusations, tables, beginning, looks, states, plan. */
async function faults(
  findings: readonly Finding[],
  planned = visits,
): Promise<readonly (readonly string[])[]> {
  const detections = detectionsOf(mali2018, 'o', findings, onOrange)
  const onsets = onsetsOf(mali2018, 'o', findings, onOrange)
  const all = await requirementsOf({ evening: mali2018, visits: planned, findings, detections, onsets })
  return all.map((each) => each.faults)
}

const changed = (which: (finding: Finding) => boolean, change: Partial<Finding>) =>
  right.map((each) => (which(each) ? { ...each, ...change } : each))
const is = (schedule: string, isp: string, subject: string, time: string) => (each: Finding) =>
  each.schedule === schedule && each.isp === isp && each.subject === subject && timeOf(each.cycleAt) === time

it('requirementsOf() finds nothing amiss in an evening measured right', async () => {
  expect(await faults(right)).toEqual(Array(8).fill([]))
})

describe('requirementsOf() says', () => {
  it('what did not arrive', async () => {
    const [arrived] = await faults(right.filter((each) => !is('base', 'm', 'whatsapp web', '18:30')(each)))
    expect(arrived).toEqual(['base m m: whatsapp web at 18:30', 'base both m: whatsapp web at 18:30'])
  })

  it('that a cycle two minutes late is late, and one a minute late is not', async () => {
    const late = (ms: number) =>
      right.map((each) =>
        is('base', 'm', 'whatsapp web', '18:30')(each) ? { ...each, cycleAt: each.cycleAt + ms } : each,
      )
    expect((await faults(late(60_000)))[0]).toEqual([])
    expect((await faults(late(121_000)))[0]).toHaveLength(2)
    // Before its time nobody can have measured it.
    expect((await faults(late(-1_000)))[0]).toHaveLength(2)
  })

  it('which onset is known too roughly', async () => {
    const doubtful = changed(is('base', 'o', 'https://twitter.com/', '17:45'), { reached: null })
    expect((await faults(doubtful))[1]).toEqual([
      'base o o: https://twitter.com/ from 17:38: 30 min 17:30–18:00',
      'base both o: https://twitter.com/ from 17:38: 30 min 17:30–18:00',
    ])
  })

  it('which onset was missed', async () => {
    const blind = right.map((each) =>
      each.device === 'both' && each.subject === 'whatsapp web' ? { ...each, reached: true } : each,
    )
    expect((await faults(blind))[1]).toEqual(['base both o: whatsapp web from 17:43: missed'])
  })

  it('that an onset without a good measurement before it is not known', async () => {
    const late = right.filter(
      (each) => each.device !== 'o' || each.schedule !== 'base' || timeOf(each.cycleAt) > '17:40',
    )
    expect((await faults(late))[1]).toContain('base o o: https://twitter.com/ from 17:38: by 17:45')
  })

  it.each([
    ['an anomaly on AS21271', is('base', 'm', 'https://twitter.com/', '18:00')],
    ['an anomaly on AS30985 before anything happened', is('base', 'o', 'https://twitter.com/', '17:30')],
    ['an anomaly on AS30985 of what was let through', is('base', 'o', 'whatsapp endpoints', '19:15')],
    ['an anomaly when all was over', is('base', 'o', 'whatsapp web', '20:15')],
  ])('%s', async (_what, which) => {
    const accused = changed(which, { reached: false, outcome: 'Connection reset' })
    const [, , accusations] = await faults(accused)
    expect(accusations).toHaveLength(2)
    expect(accusations?.[0]).toContain('Connection reset')
  })

  it('an anomaly that its cycle took back', async () => {
    const first = right.find(is('base', 'm', 'https://twitter.com/', '18:00'))
    if (first === undefined) throw new Error('The schedule measures twitter.com on AS21271')
    const takenBack = { ...first, at: first.at - 1_000, reached: false, outcome: 'SSL error', repeated: true }
    expect((await faults([...right, takenBack]))[2]).toEqual([
      'base m m: https://twitter.com/ at 18:00: SSL error',
    ])
  })

  it('nothing of what could not be told: doubt accuses nobody', async () => {
    const doubtful = changed(is('base', 'm', 'https://twitter.com/', '18:00'), { reached: null })
    expect((await faults(doubtful))[2]).toEqual([])
  })

  it('which published row did not come out, and what came instead', async () => {
    const other = changed(is('report', 'o', 'whatsapp web', '17:43'), { outcome: 'Generic timeout error' })
    expect((await faults(other))[3]).toEqual([
      'published is "whatsapp at 17:43: registration OK, endpoints OK, web Connection reset", received was "whatsapp at 17:43: registration OK, endpoints OK, web Generic timeout error"',
    ])
    const gone = right.filter((each) => !is('report', 'o', 'https://twitter.com/', '01:19')(each))
    expect((await faults(gone))[3]).toEqual([
      'published is "https://twitter.com/ at 01:19: Accessible", received was "nothing"',
    ])
  })

  it('that the beginning was missed', async () => {
    const late = changed(is('spread', 'o', 'https://twitter.com/', '17:40'), { reached: null })
    const all = await faults(late)
    expect(all[4]).toEqual(['spread o o: missed', 'pair o o: missed'])
    expect(all[7]).toEqual([])
  })

  it('that a look came late, and that it was not the one to be made', async () => {
    const blind = (each: Finding) =>
      each.schedule === 'burst' && each.subject === 'whatsapp registration' && timeOf(each.cycleAt) >= '19:10'
    const all = await faults(changed(blind, { reached: true, outcome: 'Accessible' }))
    expect(all[5]).toContain('whatsapp registration at 19:08: missed')
    expect(all[6]?.[0]).toMatch(/^registration Generic timeout error/)
    // WhatsApp failed in another part before, and what followed is looked at all the same, but later.
    expect(all[7]?.[0]).toMatch(/^burst o o: measured was 19:1\d /)
  })

  it('that an evening in which nothing was measured shows nothing', async () => {
    expect((await faults([], [])).map((each) => each.length > 0)).toEqual([
      ...[true, true, false, true, true, true, true, true],
    ])
    expect((await faults([]))[0]?.length).toBeGreaterThan(200)
  })
})
