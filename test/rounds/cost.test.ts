// What rounds cost on the wire: the core list at once, and in three rounds with the controls each time, counted on the device's
// line in the lab, headers of IP, TCP and UDP included. With the scenarios and the deep tests. Uploads are not in it: there is
// one an interval either way.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deal } from '../../agent/plan/deal.ts'
import { entryKey } from '../../agent/plan/kinship.ts'
import { pageBytes } from '../../coordinator/lists/difference.ts'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList, type TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { makeKeys } from '../lab/keys.ts'
import { Lab, whyNoLab } from '../lab/lab.ts'
import { labList } from '../lab/list.ts'
import type { Ended } from '../support/processes.ts'

const wanted = process.env.SONDE_DEEP === '1' || process.env.SONDE_SCENARIOS === '1'
const why = wanted ? whyNoLab() : 'it runs with `npm run scenarios` and the deep tests'
if (why !== null) console.error(`\n\n  THE COST OF ROUNDS WAS NOT COUNTED: ${why}.\n\n`)

const { entries, services } = parseTestList(core)
const list = {
  services,
  // As of the core list, four in clear text and two over TLS are asked each time.
  controls: [
    ...labList.controls,
    ...['https://example.org/', 'https://transfer.example/'].map((url) => ({ url, expect: { status: 200 } })),
  ],
}
const spread = 3
/** Resolvers and orders are chosen by chance, and with them some bytes. */
const times = 3

describe.skipIf(why !== null)('rounds', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await Lab.start(makeKeys())
  }, 60_000)
  afterAll(async () => {
    await lab?.stop()
  })

  it('cost at most a tenth more than the whole list at once', { timeout: 600_000 }, async () => {
    const dealt = deal(entries, spread, 'a probe')
    const rounds = Array.from({ length: spread }, (_, round) =>
      entries.filter((entry) => dealt.get(entryKey(entry)) === round),
    )
    let [atOnce, inRounds] = [0, 0]
    for (let time = 0; time < times; time++) {
      atOnce += await measured(lab, entries)
      for (const round of rounds) inRounds += await measured(lab, round)
    }
    const kilobytes = (bytes: number) => `${(bytes / times / 1000).toFixed(1)} kB`
    const more = inRounds / atOnce - 1
    console.log(
      `${entries.length} targets at once ${kilobytes(atOnce)}, in ${spread} rounds ${kilobytes(inRounds)}: ${(more * 100).toFixed(1)} % more`,
    )
    expect(more).toBeGreaterThan(0)
    expect(more).toBeLessThan(0.1)
  })

  it('cost for each page what coordinators are told', { timeout: 120_000 }, async () => {
    const pages = entries.filter(({ input }) => input?.startsWith('https:'))
    const [few, many] = [pages.slice(0, 1), pages.slice(0, 24)]
    const more = (await measured(lab, many)) - (await measured(lab, few))
    const each = more / (many.length - few.length)
    console.log(`A page costs ${each.toFixed(0)} B, and coordinators are told ${pageBytes.least} B`)
    expect(Math.abs(each / pageBytes.least - 1)).toBeLessThan(0.1)
  })
})

/** @returns Bytes that the device's line carried while it measured. */
async function measured(lab: Lab, some: readonly TestListEntry[]): Promise<number> {
  const before = await carried(lab)
  const { code, err, out } = await lab.sonde({ isp: 'm', input: null, list: { ...list, entries: [...some] } })
  if (code !== 0) throw new Error(`The agent ended with ${code}: ${err}`)
  const verdicts = out.split('\n').filter((line) => line.includes('"verdict":"anomaly"'))
  expect(verdicts).toEqual([])
  return (await carried(lab)) - before
}

async function carried(lab: Lab): Promise<number> {
  const { out } = (await lab.order({
    do: 'exec',
    namespace: 'dev-m',
    argv: ['cat', '/proc/net/dev'],
  })) as Ended
  const lines = out.split('\n').filter((line) => line.includes(':') && !/^\s*lo:/.test(line))
  const counts = lines.map((line) => (line.split(':')[1] ?? '').trim().split(/\s+/).map(Number))
  return counts.reduce((sum, fields) => sum + (fields[0] ?? 0) + (fields[8] ?? 0), 0)
}
