// The replay itself, as a user starts it. Minutes of wall time: `npm run scenarios`, and the deep tests.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { runToEnd, temporaryFolder } from '../support/processes.ts'
import { whyNoReplay } from './play.ts'

const wanted = process.env.SONDE_DEEP === '1' || process.env.SONDE_SCENARIOS === '1'
const why = wanted ? whyNoReplay() : 'it runs with `npm run scenarios` and `npm run test:deep`'
if (why !== null) console.error(`\n\n  THE REPLAY DID NOT RUN: ${why}.\n\n`)

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const replay = (...argv: readonly string[]) => runToEnd(process.execPath, ['--import', 'tsx', main, ...argv])

it('a command line that names no evening ends with 64 and says what there is', async () => {
  const { code, out, err } = await replay('mali-2017')
  expect(code).toBe(64)
  expect(out).toBe('')
  expect(err).toContain('mali-2018: Mali, 29 July 2018')
})

describe.skipIf(why !== null)('the evening of 29 July 2018', () => {
  it('is measured as it must be, and written down', { timeout: 1_200_000 }, async () => {
    const out = temporaryFolder('replay')
    const ended = await replay('mali-2018', '--out', out)
    expect(ended.err).not.toContain('NOT SO')
    expect(ended.code, ended.err).toBe(0)
    expect(ended.err).toMatch(/128 of 128: it was \d\d:\d\d/)
    expect(ended.out).toMatch(/^Played in \d+ s of real time/m)
    for (const name of ['index.html', 'whatsapp.csv', 'urls.csv', 'changes.csv'])
      expect(existsSync(join(out, name)), name).toBe(true)
    const changes = readFileSync(join(out, 'changes.csv'), 'utf8')
    expect(changes).toContain(
      '17:38 twitter.com fails,16 h 19 min 01:19–17:38,15 min 17:30–17:45,15 min 17:30–17:45,15 min 17:25–17:40,8 min 17:32–17:40,15 min 17:25–17:40',
    )
    const anomalies = readFileSync(join(out, 'measurements.ndjson'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { measurement: Measurement }).measurement.test_keys)
      .filter(({ x_sonde_verdict }) => x_sonde_verdict.verdict === 'anomaly')
    expect(anomalies.length).toBeGreaterThan(20)
    // What the page says of the repeat after one second: no verdict rests on that wait.
    const onTheWait = anomalies.filter(({ x_sonde_verdict: { rule } }) => /_fails_only_here@/.test(rule))
    expect(onTheWait.filter(({ x_sonde_earlier: earlier }) => (earlier?.secondsAgo ?? 0) < 30)).toEqual([])
  })
})
