// The collector as a helper: only over TLS, and not where the operator says no.

import { expect, it } from 'vitest'
import { loadConfig } from '../config.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { collectorAsHelper } from './own-controls.ts'

const at = (url: string) => ({ url }) as Collector
const asked = (url: string, env: Readonly<Record<string, string>> = {}) =>
  collectorAsHelper(loadConfig(null, env), at(url))

it.each([
  ['https://collector.example', 'https://collector.example/v1/web-connectivity'],
  ['https://collector.example/sonde/', 'https://collector.example/sonde/v1/web-connectivity'],
  // Anyone on the path can write what it says.
  ['http://collector.example', null],
])('the collector at %s is asked at %s', (url, helper) => {
  expect(asked(url)).toBe(helper)
})

it('is not asked where the operator says no, and while there is none', () => {
  expect(asked('https://collector.example', { SONDE_COLLECTOR_AS_HELPER: 'false' })).toBeNull()
  expect(collectorAsHelper(loadConfig(null, {}), null)).toBeNull()
})
