// Controls and what became of them, for the golden verdicts of link_check.

import type { ControlResult } from '../../tests-spec/nettests/link-check.ts'
import { nothing } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

export const at = '2018-07-29T17:43:00.000Z'
export const controls = (...results: readonly ControlResult['result'][]): ControlResult[] =>
  results.map((result, index) => ({ url: `http://control${index}.example/`, result, transaction_id: index }))

/** With the provider's own site, and where the neutral ones led. */
export const withProvider = (
  provider: ControlResult['result'],
  neutral: readonly ControlResult['result'][],
  ledTo: string | null = null,
): ControlResult[] => [
  ...controls(...neutral).map((each) => ({ ...each, role: 'neutral' as const, led_to: ledTo })),
  { url: 'http://www.telco.example/', role: 'provider', result: provider, transaction_id: 9 },
]
export const withCollector = (
  collector: ControlResult['result'],
  ...neutral: readonly ControlResult['result'][]
) => [
  ...controls(...neutral),
  {
    url: 'https://collector.example/healthz',
    role: 'collector' as const,
    result: collector,
    transaction_id: 9,
  },
]

/** Four in clear text and one over TLS. */
const overTls = (result: ControlResult['result'], ...clear: readonly ControlResult['result'][]) => [
  ...controls(...clear),
  { url: 'https://neutral.example/', result, transaction_id: 9 },
]
/** The first has failed `times` times without another one. */
const alone = (times: number, ...results: readonly ControlResult['result'][]) =>
  controls(...results).map((each, index) => (index === 0 ? { ...each, failed_alone: times } : each))
/** The first two were asked about outside. */
const outside = (says: 'ok' | 'fails_too', ...results: readonly ControlResult['result'][]) =>
  controls(...results).map((each, index) => (index < 2 ? { ...each, outside: says } : each))

const led = (first: string, second: string) =>
  withProvider('ok', ['other_answer', 'other_answer', 'failed']).map((each, index) => ({
    ...each,
    led_to: [first, second][index] ?? null,
  }))

/** Each state, and a near miss, in which one control came to something else: rules.test.ts. */
export const samples: readonly (readonly ControlResult[])[] = [
  controls(),
  controls('ok'),
  controls('ok', 'failed', 'ok', 'ok'),
  controls('ok', 'failed', 'failed', 'ok'),
  controls('failed', 'failed', 'failed', 'failed'),
  controls('other_resolver_only', 'failed', 'failed', 'failed'),
  controls('local_failure', 'local_failure'),
  controls('local_failure', 'failed'),
  controls('local_failure', 'ok', 'ok'),
  withProvider('ok', ['failed', 'failed', 'failed']),
  withProvider('failed', ['failed', 'failed', 'failed']),
  led('credit.telco.example', 'www.telco.example'),
  led('credit.telco.example', 'login.hotel.example'),
  // Telephones may ask whether there is a line, and little else gets through.
  overTls('failed', 'ok', 'ok', 'ok', 'ok'),
  overTls('ok', 'ok', 'ok', 'ok', 'failed'),
  // Moved for everybody: nobody answers for everyone where a certificate was verified.
  overTls('ok', 'other_answer', 'other_answer', 'ok', 'ok'),
  overTls('failed', 'other_answer', 'other_answer', 'ok', 'ok'),
  alone(2, 'failed', 'failed', 'ok', 'ok'),
  alone(3, 'failed', 'failed', 'ok', 'ok'),
  // A helper without a network of its own says so of all.
  outside('fails_too', 'failed', 'failed', 'ok'),
  outside('ok', 'failed', 'ok', 'ok', 'ok').map((each, i) => (i === 0 ? { ...each, failed_alone: 3 } : each)),
  outside('ok', 'failed', 'ok', 'ok', 'ok').map((each, i) =>
    i === 0 ? { ...each, failed_alone: 12 } : each,
  ),
  outside('fails_too', 'other_answer', 'other_answer', 'ok', 'ok'),
  outside('ok', 'other_answer', 'other_answer', 'ok', 'ok'),
]

export const golden: Golden = {
  asked: { input: null },
  samples: samples.map((results) => {
    const sentence = results.map(
      ({ role, result, led_to }) => `${role ?? 'neutral'} ${result} ${led_to ?? ''}`,
    )
    return sample(`controls: ${sentence.join(', ')}`, { ...nothing, x_sonde_controls: results }, {})
  }),
}
