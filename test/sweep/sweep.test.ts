// The core list over seven lines, good and bad, by the built agent in the lab: where nothing is blocked no anomaly, and of
// five targets that are, no fewer are found on any line than floor.json says. A few cycles with `npm run sweep`, many
// with `npm run sweep:deep` and the deep tests.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { makeKeys } from '../lab/keys.ts'
import { whyNoLab } from '../lab/lab.ts'
import { labList } from '../lab/list.ts'
import type { Rule } from '../lab/policy.ts'
import { type Lane, type Lanes, openLanes } from '../scenarios/lanes.ts'
import { lasting } from '../scenarios/scenario.ts'
import { blocks, type Condition, conditions } from './conditions.ts'
import floor from './floor.json' with { type: 'json' }
import { Progress } from './progress.ts'
import { Tally } from './tally.ts'

const deep = process.env.SONDE_DEEP === '1'
const wanted = deep || process.env.SONDE_SCENARIOS === '1'
const why = wanted ? whyNoLab() : 'it runs with `npm run sweep` and the deep tests'
if (why !== null) console.error(`\n\n  THE SWEEP DID NOT RUN: ${why}.\n\n`)

const cycles = deep ? 20 : 2
/** Two lanes each. */
const labCount = deep ? 16 : 14
/** No cycle is begun later than this, so that a busy machine ends with fewer cycles and not with none. */
const beginWithinMs = deep ? 4_500_000 : 600_000
/** The longest cycle, several times over. */
const endWithinMs = 900_000
vi.setConfig({ maxConcurrency: conditions.length, testTimeout: beginWithinMs + endWithinMs })

/** With fewer of the cycles, chance decides what a recall is. */
const leastShare = 0.5

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
 * Three standard deviations of a hundred looks below what ten cycles found when this was written: 0.96, 0.84, 0.54 and 0.34 on the
 * lines that lose packets, everything on the others. Silence is not called an anomaly where a lost packet looks the same, so there a
 * run of few cycles may find little, and is held to nothing.
 */
const floors: Readonly<Record<string, number>> = deep ? floor.deep : floor.short

it('the floor names lines of the sweep, and the deep one all of them', () => {
  const names = conditions.map(({ name }) => name)
  expect(Object.keys(floor.deep).sort()).toEqual([...names].sort())
  expect(names).toEqual(expect.arrayContaining(Object.keys(floor.short)))
})

describe.skipIf(why !== null)('the sweep', () => {
  let lanes: Lanes
  const tally = new Tally()
  const progress = new Progress((line) => process.stderr.write(`${line}\n`))
  beforeAll(() => {
    lanes = openLanes(makeKeys(), labCount)
  })
  afterAll(async () => {
    await lanes?.stop()
    console.log(`\n${tally.table(blocks.map(({ way }) => way))}\n`)
  })

  it.concurrent.each(conditions)(
    'finds nothing where nothing is blocked, and much of what is: $name',
    async (condition) => {
      const each = [false, true].flatMap((isBlocked) =>
        Array.from({ length: cycles }, (_, index) => ({ isBlocked, index })),
      )
      progress.add(each.length)
      const troubles = await Promise.all(
        each.map(({ isBlocked, index }) => cycle({ lanes, tally, progress }, condition, isBlocked, index)),
      )
      expect(tally.falseAnomalies(condition.name)).toEqual([])
      expect(troubles.filter((trouble) => trouble !== null)).toEqual([])
      expect(tally.cycles(condition.name)).toBeGreaterThanOrEqual(leastShare * each.length)
      expect(tally.recall(condition.name)).toBeGreaterThanOrEqual(floors[condition.name] ?? 0)
    },
  )
})

interface Sweep {
  readonly lanes: Lanes
  readonly tally: Tally
  readonly progress: Progress
}

/** @returns What went wrong with the agent itself, which ends no other cycle; null when nothing did. */
async function cycle(
  { lanes, tally, progress }: Sweep,
  { name, rules }: Condition,
  isBlocked: boolean,
  index: number,
): Promise<string | null> {
  const wayOf = (input: string | null) =>
    isBlocked ? (blocks.find(({ target }) => target === input)?.way ?? null) : null
  let trouble: string | null = null
  await lanes.do({
    isp: null,
    // The first cycles of all lines come before the second, so that one that ends early has something of each; of them
    // the slowest lines come first.
    seconds: (cycles - index) * conditions.length + conditions.findIndex((each) => each.name === name),
    async run([lane]) {
      if (lane === undefined) throw new Error('A lane for nothing')
      const kind = `${name}, ${isBlocked ? 'five blocked' : 'nothing blocked'}`
      if (progress.seconds() * 1000 > beginWithinMs) return progress.note(`${kind}: not begun`)
      const began = progress.seconds()
      const applied = [...rules, ...(isBlocked ? blocks.map(({ rule }) => rule) : [])]
      const said = await measureOn(lane, applied).catch((error: Error) => error)
      const seconds = progress.seconds() - began
      // A lab that did not live through a busy hour says nothing of the agent.
      if (said instanceof Error) return progress.note(`${kind}: not done, ${said.message}`)
      if (typeof said === 'string') trouble = `${kind}: ${said}`
      else tally.note(name, { measurements: said, seconds }, wayOf)
      progress.note(`${kind}: ${Math.round(seconds)} s${trouble === null ? '' : ', and the agent failed'}`)
    },
  })
  return trouble
}

/** @returns A sentence when the agent itself failed. @throws When the lab is gone. */
async function measureOn(
  { lab, isp }: Lane,
  rules: readonly Rule[],
): Promise<readonly Measurement[] | string> {
  await lab.policy(isp, rules)
  const { code, out, err } = await lab.sonde({ isp, input: null, list, repeatAfterSeconds: lasting })
  if (code !== 0) return `the agent ended with ${code}: ${err}`
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}
