// Identity, times and annotations of a plain form: plain-form.md §1.

import { describe, expect, it } from 'vitest'
import { fullContext, goldenRecords } from '../../test/ooni/golden-records.ts'
import type { Measurement } from '../data-formats/measurement.ts'
import type { BatchId } from '../protocol/batch.ts'
import { annotationsOf, idsOf, timesOf, uidOf } from './envelope.ts'
import { plainForm } from './plain-form.ts'

const batch = 'ab'.repeat(32) as BatchId
const of = (over: Partial<Measurement> = {}): Measurement => {
  const [first] = goldenRecords
  if (first === undefined) throw new Error('no golden record')
  return { ...first.kept, ...over }
}

describe('idsOf()', () => {
  it('has the shape of OONI’s', () => {
    const { report_id, measurement_uid } = idsOf(of(), { batch, n: 7 })
    expect(report_id).toMatch(/^20180729T205900Z_webconnectivity_ML_30985_n1_[0-9a-f]{16}$/)
    expect(measurement_uid).toMatch(/^20180729210000\.000007_ML_webconnectivity_[0-9a-f]{16}$/)
  })

  it('names one report for what one cycle measured with one nettest, and another for the next', () => {
    const report = (over: Partial<Measurement>, n: number) => idsOf(of(over), { batch, n }).report_id
    expect(report({}, 1)).toBe(report({ input: 'https://other.example/' }, 2))
    expect(report({}, 1)).not.toBe(report({ test_start_time: '2018-07-29 21:14:00' }, 1))
    expect(report({}, 1)).not.toBe(report({ test_name: 'whatsapp' }, 1))
  })

  it('names no two records alike', () => {
    expect(idsOf(of(), { batch, n: 1 }).measurement_uid).not.toBe(
      idsOf(of(), { batch, n: 2 }).measurement_uid,
    )
  })

  it('names nothing that is in no batch yet', () => {
    expect(idsOf(of(), null)).toEqual({ report_id: '' })
  })

  it('is the same whatever is learnt of the time, and the same as in a table of verdicts', () => {
    const { measurement_uid } = plainForm(of(), { ...fullContext(7), dated: null })
    expect(plainForm(of(), fullContext(7))).toMatchObject({ measurement_uid })
    const { place } = fullContext(7)
    const startedAt = Date.parse('2018-07-29T21:00:00Z')
    expect(place && uidOf({ test_name: 'web_connectivity', probe_cc: 'ML', startedAt }, place)).toBe(
      measurement_uid,
    )
  })
})

describe('timesOf()', () => {
  it('moves both by as much as the clock was wrong', () => {
    const dated = { correctedAt: Date.parse('2018-07-30T09:00:00.900Z'), errorMs: 0 }
    expect(timesOf(of(), dated)).toEqual({
      measurement_start_time: '2018-07-30 09:00:00',
      test_start_time: '2018-07-30 08:59:00',
    })
  })

  it.each([
    ['nothing is known', null],
    ['nobody can say by how much', { correctedAt: Date.parse('2020-01-01T00:00:00Z'), errorMs: null }],
  ])('leaves them while %s', (_what, dated) => {
    expect(timesOf(of(), dated)).toEqual({
      measurement_start_time: '2018-07-29 21:00:00',
      test_start_time: '2018-07-29 20:59:00',
    })
  })
})

describe('annotationsOf()', () => {
  it('says in strings what decides with us', () => {
    const annotations = annotationsOf(of(), fullContext(7))
    expect(Object.values(annotations).filter((value) => typeof value !== 'string')).toEqual([])
    expect(annotations).toMatchObject({
      architecture: 'amd64',
      platform: 'linux',
      network_type: 'wifi',
      engine_name: 'sonde',
      engine_version: '3.31.0+sonde.0.1.0',
      x_sonde_verdict: 'ok',
      x_sonde_rule: 'web_connectivity/https_response@2',
      x_sonde_rule_version: '2',
      x_sonde_evidence: 'full',
      x_sonde_link_before: 'up',
      x_sonde_link_after: 'up',
      x_sonde_device_start_time: '2018-07-29 21:00:00',
      x_sonde_clock: 'synced',
      x_sonde_time_error_ms: '1500',
      x_sonde_lists: 'core 12, bamako 3',
      x_sonde_n: '7',
    })
  })

  it('prefers the lists that a measurement names itself to those of its batch, which was sealed later', () => {
    const own = { ...of(), annotations: { ...of().annotations, x_sonde_lists: 'core 11' } }
    expect(annotationsOf(own, fullContext(7)).x_sonde_lists).toBe('core 11')
  })

  it('leaves out what is not known', () => {
    const annotations = annotationsOf(of(), { dated: null, clock: null, lists: null, place: null })
    for (const key of ['step', 'how', 'clock', 'time_error_ms', 'lists', 'batch', 'n', 'parts'])
      expect(annotations).not.toHaveProperty(`x_sonde_${key}`)
  })

  it('names the parts', () => {
    const record = goldenRecords.find(({ kept }) => kept.test_name === 'whatsapp')
    expect(record && annotationsOf(record.kept, fullContext(0)).x_sonde_parts).toBe(
      'registration=ok endpoints=ok web=ok',
    )
  })
})
