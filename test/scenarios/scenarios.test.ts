// Every kind of interference on a real network stack, and every trouble that is none, measured by the built agent as a
// process. One entry per scenario, in the files beside this one; what one provider can do is done by one, by both, and
// to a site behind a redirect.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { makeKeys } from '../lab/keys.ts'
import { fakeTimeLibrary, whyNoLab } from '../lab/lab.ts'
import type { IspKey } from '../lab/topology.ts'
import { Confusion } from './confusion.ts'
import { connectionScenarios } from './connections.ts'
import { datagramScenarios, datagramsUnblocked } from './datagrams.ts'
import { dnsScenarios } from './dns.ts'
import { edgeScenarios, edgesUnblocked } from './edges.ts'
import { encryptedDnsScenarios, encryptedDnsUnblocked } from './encrypted-dns.ts'
import { failuresOf, faultsOf, verdictOf } from './finding.ts'
import { houseScenarios, housesUnblocked } from './houses.ts'
import { ipv6Scenarios, ipv6Unblocked } from './ipv6.ts'
import { type Lane, type Lanes, openLanes } from './lanes.ts'
import { lineScenarios, linesUnblocked } from './lines.ts'
import { oddServerScenarios, oddServersUnblocked } from './odd-servers.ts'
import { pageScenarios, portalScenarios } from './pages.ts'
import { residualScenarios } from './residual.ts'
import { type Expectation, lasting, page, type Scenario, secondsOf, site } from './scenario.ts'
import { throttlingScenarios, throttlingUnblocked } from './throttling.ts'
import { translatedScenarios, translatedUnblocked } from './translated.ts'
import { twoHelperScenarios, twoHelpersUnblocked } from './two-helpers.ts'
import { unblockedScenarios } from './unblocked.ts'
import { whatsappScenarios, whatsappUnblocked } from './whatsapp.ts'

/** Two lanes each. More would have the processors decide about timeouts. */
const labCount = 16
const blocked: readonly Scenario[] = [
  ...dnsScenarios,
  ...connectionScenarios,
  ...pageScenarios,
  ...ipv6Scenarios,
  ...encryptedDnsScenarios,
  ...datagramScenarios,
  ...throttlingScenarios,
  ...whatsappScenarios,
  ...lineScenarios,
  ...translatedScenarios,
  ...residualScenarios,
  ...twoHelperScenarios,
  ...edgeScenarios,
  ...oddServerScenarios,
  ...houseScenarios,
  {
    name: 'a device on both lines: the address is dropped on one of them',
    onBothLines: true,
    reach: 'one',
    input: page,
    rules: [{ kind: 'address', site, action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', rule: 'connect_fails_only_here', step: 'connect' },
  },
]
const unblocked: readonly Scenario[] = [
  ...unblockedScenarios,
  ...portalScenarios,
  ...ipv6Unblocked,
  ...encryptedDnsUnblocked,
  ...datagramsUnblocked,
  ...throttlingUnblocked,
  ...whatsappUnblocked,
  ...linesUnblocked,
  ...translatedUnblocked,
  ...twoHelpersUnblocked,
  ...edgesUnblocked,
  ...oddServersUnblocked,
  ...housesUnblocked,
]
const all = [...blocked, ...unblocked]

// All of them are begun at once and wait for their lane.
vi.setConfig({ maxConcurrency: all.length, testTimeout: 1_500_000 })

// Minutes of wall time, and with a processor too few the processors decide: `npm run scenarios`, and the deep tests.
const deep = process.env.SONDE_DEEP === '1'
const wanted = deep || process.env.SONDE_SCENARIOS === '1'
const why = wanted ? whyNoLab() : 'they run with `npm run scenarios` and `npm run test:deep`'
if (why !== null) console.error(`\n\n  THE SCENARIOS DID NOT RUN: ${why}.\n\n`)
const noFakeTime = fakeTimeLibrary() === null
if (noFakeTime)
  console.error('\n\n  SCENARIOS WITH A WRONG CLOCK DID NOT RUN: apt-get install faketime brings it.\n\n')

it('no two scenarios share a name', () => {
  const names = all.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

describe.skipIf(why !== null)('the agent in the lab', () => {
  let lanes: Lanes
  beforeAll(() => {
    lanes = openLanes(makeKeys(), labCount)
  })
  const confusion = new Confusion()
  afterAll(async () => {
    await lanes?.stop()
    console.log(`\n${confusion.table()}\n`)
  })

  describe.concurrent.each([
    ['interference is seen, at its step', blocked],
    ['nothing is blocked, and nothing is called an anomaly', unblocked],
  ])('%s', (_title, scenarios) => {
    for (const scenario of scenarios) {
      const isLeftOut = (scenario.clockAheadSeconds !== undefined && noFakeTime) || (scenario.isLong && !deep)
      it.skipIf(isLeftOut)(scenario.name, async () => {
        for (const { measurements, expected, isp, ruled, isInnocent } of await measure(lanes, scenario)) {
          const isTruly = ruled && scenarios === blocked && !isInnocent
          const truth = isTruly ? 'interfered with' : 'left alone'
          const last = measurements.at(-1)
          if (last !== undefined) confusion.note(scenario.name, truth, verdictOf(last).verdict)
          const faults = faultsOf(measurements, expected)
          expect(faults, `on the line of ${isp}\n${account(measurements)}`).toEqual([])
        }
      })
    }
  })
})

/** What one device made of a scenario, and should have made. */
interface Outcome {
  readonly isp: IspKey
  /** Whether the scenario's rules held on its line. */
  readonly ruled: boolean
  /** Whether they hold for others alone. */
  readonly isInnocent: boolean
  readonly measurements: readonly Measurement[]
  readonly expected: Expectation
}

let turn = 0

async function measure(lanes: Lanes, scenario: Scenario): Promise<readonly Outcome[]> {
  const { reach, expect: expected, isp = null } = scenario
  const culprit = isp ?? (turn++ % 2 === 0 ? 'o' : 'm')
  const does = (lane: Lane) => reach !== 'one' || lane.isp === culprit
  let outcomes: readonly Outcome[] = []
  await lanes.do({
    isp: reach === undefined ? isp : 'both',
    seconds: secondsOf(scenario),
    async run(taken) {
      await Promise.all(taken.map((lane) => lane.lab.policy(lane.isp, does(lane) ? scenario.rules : [])))
      const outcome = async (lane: Lane): Promise<Outcome[]> => {
        const measurements = await measureOn(lane, scenario)
        const of = { isp: lane.isp, ruled: does(lane) }
        const others = Object.entries(scenario.others ?? {})
        const named = new Set(others.map(([input]) => input))
        return [
          {
            ...of,
            isInnocent: false,
            measurements: measurements.filter(({ input }) => !named.has(input ?? '')),
            expected: does(lane) ? expected : { verdict: 'ok' },
          },
          ...others.map(([name, other]) => ({
            ...of,
            isInnocent: other.isInnocent,
            measurements: measurements.filter(({ input }) => input === name),
            expected: other.expect,
          })),
        ]
      }
      outcomes = (await Promise.all(taken.map(outcome))).flat()
    },
  })
  return outcomes
}

async function measureOn(
  { lab, isp }: Lane,
  {
    later = [],
    input,
    list,
    onBothLines,
    onlyIpv6,
    abroad,
    repeatAfterSeconds,
    clockAheadSeconds,
    clockSynced,
  }: Scenario,
): Promise<readonly Measurement[]> {
  // The network's own timetable, which is part of what is tested; nothing waits for it.
  const changes = later.map(({ afterMs, rules }) => setTimeout(() => lab.policy(isp, rules), afterMs))
  const { code, out, err } = await lab.sonde({
    isp,
    input,
    ...(list !== undefined && { list }),
    ...(onBothLines !== undefined && { onBothLines }),
    ...(onlyIpv6 !== undefined && { onlyIpv6 }),
    ...(abroad !== undefined && { abroad }),
    ...(repeatAfterSeconds !== undefined && { repeatAfterSeconds }),
    ...(clockAheadSeconds !== undefined && { clockAheadSeconds }),
    ...(clockSynced !== undefined && { clockSynced }),
  })
  for (const change of changes) clearTimeout(change)
  if (code !== 0) throw new Error(`The agent ended with ${code}: ${err}`)
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
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
