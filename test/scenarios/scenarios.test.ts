// Every kind of interference on a real network stack, and every trouble that is none, measured by the built agent as a
// process. One entry per scenario; dns.ts, connections.ts, pages.ts, whatsapp.ts and unblocked.ts hold them.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { makeKeys } from '../lab/keys.ts'
import { fakeTimeLibrary, whyNoLab } from '../lab/lab.ts'
import { connectionScenarios } from './connections.ts'
import { dnsScenarios } from './dns.ts'
import { failuresOf, faultsOf, verdictOf } from './finding.ts'
import { type KnownGap, knownGaps } from './known-gaps.ts'
import { type Lanes, openLanes } from './lanes.ts'
import { pageScenarios } from './pages.ts'
import type { Scenario } from './scenario.ts'
import { unblockedScenarios } from './unblocked.ts'
import { whatsappScenarios, whatsappUnblocked } from './whatsapp.ts'

/** Two lanes each. More would have the processors decide about timeouts. */
const labCount = 5
const blocked = [...dnsScenarios, ...connectionScenarios, ...pageScenarios, ...whatsappScenarios]
const unblocked = [...unblockedScenarios, ...whatsappUnblocked]
const all = [...blocked, ...unblocked]
/** The slow ones first, so that none is left to wait for at the end. */
const slowFirst = (scenarios: readonly Scenario[]) =>
  [...scenarios].sort((a, b) => (b.repeatAfterSeconds ?? 1) - (a.repeatAfterSeconds ?? 1))

vi.setConfig({ maxConcurrency: all.length, testTimeout: 240_000 })

// Minutes of wall time, and with a processor too few the processors decide: `npm run scenarios`, and the deep tests.
const wanted = process.env['SONDE_DEEP'] === '1' || process.env['SONDE_SCENARIOS'] === '1'
const why = wanted ? whyNoLab() : 'they run with `npm run scenarios` and `npm run test:deep`'
if (why !== null) console.error(`\n\n  THE SCENARIOS DID NOT RUN: ${why}.\n\n`)
const noFakeTime = fakeTimeLibrary() === null
if (noFakeTime)
  console.error('\n\n  SCENARIOS WITH A WRONG CLOCK DID NOT RUN: apt-get install faketime brings it.\n\n')

test('no two scenarios share a name, and every known gap is one of them', () => {
  const names = all.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(expect.arrayContaining(knownGaps.flatMap((gap) => gap.scenarios)))
})

describe.skipIf(why !== null)('the agent in the lab', () => {
  let lanes: Lanes
  const said: string[] = []

  beforeAll(async () => {
    lanes = await openLanes(makeKeys(), labCount)
  })
  afterAll(async () => {
    await lanes.stop()
    if (said.length > 0) console.error(`\n\n  KNOWN GAPS\n\n${said.join('\n')}\n`)
  })

  describe.concurrent.each([
    ['an anomaly is seen, at its step', blocked],
    ['nothing is blocked, and nothing is called an anomaly', unblocked],
  ])('%s', (_title, scenarios) => {
    for (const scenario of slowFirst(scenarios)) {
      test.skipIf(scenario.clockAheadSeconds !== undefined && noFakeTime)(scenario.name, async () => {
        const measurements = await measure(lanes, scenario)
        const faults = faultsOf(measurements, scenario.expect)
        const gap = knownGaps.find((each) => each.scenarios.includes(scenario.name))
        if (gap === undefined) expect(faults, account(measurements)).toEqual([])
        else said.push(sentence(scenario, gap, faults))
      })
    }
  })
})

async function measure(
  lanes: Lanes,
  { name: _, expect: __, rules, later = [], ...run }: Scenario,
): Promise<Measurement[]> {
  return lanes.use(async ({ lab, isp }) => {
    await lab.policy(isp, rules)
    // The network's own timetable, which is part of what is tested; nothing waits for it.
    const changes = later.map(({ afterMs, rules }) => setTimeout(() => lab.policy(isp, rules), afterMs))
    const { code, out, err } = await lab.sonde({ ...run, isp })
    for (const change of changes) clearTimeout(change)
    if (code !== 0) throw new Error(`The agent ended with ${code}: ${err}`)
    return out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  })
}

/** What was seen, for whoever reads a failure. */
function account(measurements: readonly Measurement[]): string {
  return measurements
    .map((each) =>
      JSON.stringify({
        verdict: verdictOf(each),
        failures: failuresOf(each),
        earlier: each.test_keys.x_sonde_earlier,
        link: each.test_keys.x_sonde_link,
        control: each.test_keys.control_failure,
      }),
    )
    .join('\n')
}

function sentence({ name }: Scenario, gap: KnownGap, faults: readonly string[]): string {
  const right = gap.byChance === true ? 'right this time' : 'CLOSED: take it out of the list'
  return `  - ${name}: ${faults.length === 0 ? right : faults.join('; ')}\n    ${gap.because}`
}
