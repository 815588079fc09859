import { expect, it } from 'vitest'
import { measured } from '../support/measured.ts'
import { good, nothing } from '../support/observations.ts'
import { Tally } from './tally.ts'

const said = (input: string, verdict: 'ok' | 'anomaly' | 'undetermined') =>
  measured(nothing, {
    name: 'web_connectivity',
    input,
    keys: {},
    verdict: { verdict, rule: 'web_connectivity/a_rule@1', step: null, how: null, because: [] },
    parts: null,
    link: good.link,
  })

it('counts the last verdict of each target, and every anomaly that is none', () => {
  const tally = new Tally()
  const wayOf = (input: string | null) => (input === 'https://blocked.example/' ? 'DNS' : null)
  const first = [
    said('https://blocked.example/', 'undetermined'),
    said('https://free.example/', 'anomaly'),
    said('https://blocked.example/', 'anomaly'),
    said('https://free.example/', 'ok'),
  ]
  tally.note('good', { measurements: first, seconds: 31 }, wayOf)
  tally.note('good', { measurements: [said('https://blocked.example/', 'undetermined')], seconds: 4 }, wayOf)
  tally.note('bad', { measurements: [said('https://free.example/', 'ok')], seconds: 90.4 }, () => null)
  expect(tally.recall('good')).toBe(0.5)
  expect(tally.recall('bad')).toBeNull()
  expect(tally.falseAnomalies('good')).toEqual([
    'web_connectivity https://free.example/: web_connectivity/a_rule@1 (null)',
  ])
  expect(tally.falseAnomalies('bad')).toEqual([])
  expect(tally.cycles('good')).toBe(2)
  const rows = tally
    .table(['DNS'])
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/))
  expect(rows[1]).toEqual([
    'cycles',
    'longest',
    'ok',
    'anomaly',
    'link_down',
    'undetermined',
    'DNS',
    'recall',
  ])
  expect(rows[2]).toEqual(['good', '2', '31 s', '1', '0', '0', '0', '1/2', '50 %'])
  expect(rows[3]).toEqual(['bad', '1', '90 s', '1', '0', '0', '0', '0/0'])
})
