// A site that comes, slowly, and two that are slow for everybody or on a slow line.

import type { Rule } from '../lab/policy.ts'
import { entry, lasting, onOneAndBoth, type Scenario } from './scenario.ts'

const site = 'long.example'
const control = 'transfer.example'
/** 64 KiB in five seconds. */
const kbit = 100
const page = (scheme: 'http' | 'https') => {
  const { input, list } = entry('web_connectivity', `${scheme}://${site}/`, { body_bytes: 65_536 })
  return { input, list: { ...list, transfer_control: `${scheme}://${control}/` } }
}
const slow = { atLeastSeconds: 3 }
const by = (way: (Rule & { kind: 'throttle' })['by'], slowed: string): Rule => ({
  kind: 'throttle',
  by: way,
  site: slowed,
  kbit,
})

const mechanisms: readonly Scenario[] = [
  { ...page('http'), name: 'the address is throttled', rules: [by('address', site)] },
  { ...page('https'), name: 'the server name is throttled', rules: [by('server_name', site)] },
].map((scenario) => ({
  ...scenario,
  repeatAfterSeconds: lasting,
  expect: {
    verdict: 'anomaly',
    rule: 'throttling_suspected',
    step: 'http_round_trip',
    how: 'throttling_suspected',
    slow,
  },
}))

export const throttlingScenarios: readonly Scenario[] = mechanisms.flatMap(onOneAndBoth)

export const throttlingUnblocked: readonly Scenario[] = [
  { ...page('http'), name: 'a page at full speed', rules: [], expect: { verdict: 'ok' } },
  {
    ...page('http'),
    name: 'the line is slow, whoever is asked',
    rules: [by('address', site), by('address', control)],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'ok', slow },
  },
]
