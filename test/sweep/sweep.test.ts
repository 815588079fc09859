// The core list over seven lines, good and bad, by the built agent in the lab: where nothing is blocked no anomaly, and of
// five targets that are, how many are found on each line. A few cycles with `npm run sweep`, many
// with the deep tests.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { makeKeys } from '../lab/keys.ts'
import { whyNoLab } from '../lab/lab.ts'
import { labList } from '../lab/list.ts'
import { type Lane, type Lanes, openLanes } from '../scenarios/lanes.ts'
import { lasting } from '../scenarios/scenario.ts'
import { blocks, type Condition, conditions } from './conditions.ts'
import { Tally } from './tally.ts'

const deep = process.env.SONDE_DEEP === '1'
const wanted = deep || process.env.SONDE_SCENARIOS === '1'
const why = wanted ? whyNoLab() : 'it runs with `npm run sweep` and the deep tests'
if (why !== null) console.error(`\n\n  THE SWEEP DID NOT RUN: ${why}.\n\n`)

const cycles = deep ? 20 : 2
/** Two lanes each. */
const labCount = deep ? 16 : 14
const atMostMs = deep ? 5_400_000 : 600_000

const coreList = parseTestList(core)
const targets = new Set(blocks.map(({ target }) => target))
const pages = coreList.entries.filter(({ nettest }) => nettest === 'web_connectivity')
/** Of each kind one, and the five; everything in the deep run. */
const some = [
  ...coreList.entries.filter(({ nettest }) => nettest !== 'web_connectivity'),
  ...pages.filter(({ input }) => targets.has(input ?? '')),
  ...pages.filter(({ input }) => !targets.has(input ?? '')).slice(0, 3),
]
const list = {
  entries: deep ? coreList.entries : some,
  services: coreList.services ?? [],
  // As on the core list, some over TLS.
  controls: [
    ...labList.controls,
    ...['https://example.org/', 'https://transfer.example/'].map((url) => ({ url, expect: { status: 200 } })),
  ],
}

/**
 * What is found at least: all that was, in every run, on lines that lose nothing. Silence is not called an anomaly on a line that
 * loses packets, where a lost packet looks the same, so there a run of few cycles may find little.
 */
const leastRecall: Readonly<Record<string, number>> = { '0 % loss': 1 }

describe.skipIf(why !== null)('the sweep', () => {
  let lanes: Lanes
  const tally = new Tally()
  beforeAll(() => {
    lanes = openLanes(makeKeys(), labCount)
  })
  afterAll(async () => {
    await lanes?.stop()
    console.log(`\n${tally.table(blocks.map(({ way }) => way))}\n`)
  })

  it(
    'finds nothing where nothing is blocked, and much of what is',
    async () => {
      const each = conditions.flatMap((condition) =>
        [false, true].flatMap((isBlocked) =>
          Array.from({ length: cycles }, () => ({ condition, isBlocked })),
        ),
      )
      await Promise.all(each.map(({ condition, isBlocked }) => cycle(lanes, tally, condition, isBlocked)))
      expect(tally.falseAnomalies).toEqual([])
      for (const [condition, least] of Object.entries(leastRecall))
        expect(tally.recall(condition), condition).toBeGreaterThanOrEqual(least)
    },
    atMostMs,
  )
})

async function cycle(
  lanes: Lanes,
  tally: Tally,
  { name, rules }: Condition,
  isBlocked: boolean,
): Promise<void> {
  const wayOf = (input: string | null) =>
    isBlocked ? (blocks.find(({ target }) => target === input)?.way ?? null) : null
  await lanes.do({
    isp: null,
    seconds: conditions.findIndex((condition) => condition.name === name),
    async run([lane]) {
      if (lane === undefined) throw new Error('A lane for nothing')
      await lane.lab.policy(lane.isp, [...rules, ...(isBlocked ? blocks.map(({ rule }) => rule) : [])])
      const began = performance.now()
      const measurements = await measureOn(lane)
      tally.note(name, { measurements, seconds: (performance.now() - began) / 1000 }, wayOf)
    },
  })
}

async function measureOn({ lab, isp }: Lane): Promise<readonly Measurement[]> {
  const { code, out, err } = await lab.sonde({ isp, input: null, list, repeatAfterSeconds: lasting })
  if (code !== 0) throw new Error(`The agent ended with ${code}: ${err}`)
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}
