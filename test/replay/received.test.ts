import { describe, expect, it } from 'vitest'
import { reached, resetInTls, type SampleMeasurement, sampleMeasurement } from '../support/sample-probe.ts'
import { type Enrolled, findingsIn } from './received.ts'

const device = 'a'.repeat(32)
const enrolled: Enrolled = { [device]: { schedule: 'base', device: 'both' } }
const orange = { asn: 'AS30985', name: '' }
const undetermined = { ...resetInTls, verdict: 'undetermined' as const, how: 'generic_timeout_error' }
const noon = Date.UTC(2018, 6, 29, 12)

const line = (n: number, sample: SampleMeasurement, more: object = {}, from = device) =>
  JSON.stringify({
    device: from,
    epoch: 'e',
    n,
    measurement: { ...sampleMeasurement({ network: orange, ...sample }), ...more },
  })

describe('findingsIn()', () => {
  it('places a measurement by its device and its network', () => {
    const [finding] = findingsIn([line(0, { verdict: resetInTls })], enrolled)
    expect(finding).toEqual({
      schedule: 'base',
      device: 'both',
      isp: 'o',
      subject: 'https://site.test/',
      at: noon,
      cycleAt: noon,
      outcome: 'Connection reset',
      reached: false,
      repeated: false,
    })
    const malitel = { asn: 'AS21271', name: '' }
    expect(findingsIn([line(0, { network: malitel })], enrolled)[0]?.isp).toBe('m')
  })

  it('speaks of each function of a service by itself', () => {
    const parts = { registration: reached, endpoints: reached, web: undetermined }
    const found = findingsIn(
      [line(0, { testName: 'whatsapp', input: null, verdict: undetermined, parts })],
      enrolled,
    )
    expect(found.map(({ subject, reached }) => [subject, reached])).toEqual([
      ['whatsapp registration', true],
      ['whatsapp endpoints', true],
      ['whatsapp web', null],
    ])
  })

  it('leaves out the checks of the link', () => {
    expect(findingsIn([line(0, { testName: 'link_check', input: null })], enrolled)).toEqual([])
  })

  it('marks what its cycle measured again, whatever the order of arrival', () => {
    const first = line(4, { verdict: undetermined })
    const again = line(5, { verdict: resetInTls }, { measurement_start_time: '2018-07-29 12:00:13' })
    const nextCycle = line(9, { at: noon + 900_000 })
    const found = findingsIn([nextCycle, again, first], enrolled)
    expect(found.map(({ outcome, repeated, reached }) => [outcome, repeated, reached])).toEqual([
      // The repeat rests on it: it failed since then.
      ['Generic timeout error (undetermined)', true, false],
      ['Connection reset', false, false],
      ['Accessible', false, true],
    ])
  })

  it('leaves a first look open that the repeat did not confirm', () => {
    const first = line(4, { verdict: undetermined })
    const again = line(5, {}, { measurement_start_time: '2018-07-29 12:00:13' })
    expect(findingsIn([first, again], enrolled).map(({ reached }) => reached)).toEqual([null, true])
  })

  it('takes another line of the same device for no repeat', () => {
    const lines = [line(0, {}), line(1, { network: { asn: 'AS21271', name: '' } })]
    expect(findingsIn(lines, enrolled).map(({ repeated }) => repeated)).toEqual([false, false])
  })

  it.each([
    ['of a device nobody enrolled here', line(0, {}, {}, 'b'.repeat(32)), /Cannot place/],
    [
      'from a network that the lab does not have',
      line(0, { network: { asn: 'AS64500', name: '' } }),
      /Cannot place/,
    ],
    ['that is cut short', line(0, {}).slice(0, -5), /JSON/],
    ['that has no time', line(0, {}, { test_start_time: 'yesterday' }), /Invalid/],
    ['without a verdict', line(0, {}, { test_keys: {} }), /Invalid/],
    ['that is no object', '[]', /Invalid/],
    ['that is empty', '{}', /Invalid/],
  ])('refuses a line %s', (_what, text, message) => {
    expect(() => findingsIn([text], enrolled)).toThrow(message)
  })
})
