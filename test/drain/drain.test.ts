// A backlog of some MB over 100 kbit/s, 600 ms, 20 % loss each way, and flows that die after 15 s: everything arrives, and
// what is sent twice is bounded. Takes many minutes: with the scenarios and the deep tests. Says loudly when it cannot run.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { whyNoLab } from '../lab/lab.ts'
import { collectorBundle, temporaryFolder } from '../support/processes.ts'

const deep = process.env.SONDE_DEEP === '1'
const why =
  deep || process.env.SONDE_SCENARIOS === '1'
    ? whyNoLab()
    : 'it runs with `npm run scenarios` and the deep tests'
if (why !== null) console.error(`\n\n  THE DRAIN DID NOT RUN: ${why}.\n\n`)

/** Of base64, which brotli makes a quarter smaller. */
const backlogBytes = deep ? 4_000_000 : 1_000_000
/** At the line's own rate it is 80 s for each MB; loss, round trips and dead flows take the rest. */
const atMostMs = 3_600_000

describe.skipIf(why !== null)('the drain', () => {
  it(
    'brings everything in, and sends at most a quarter again',
    async () => {
      const sandbox = ['--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']
      const rootless = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
      const line = fileURLToPath(new URL('line.ts', import.meta.url))
      const argv = [modernNode(), line, temporaryFolder('drain'), collectorBundle, String(backlogBytes)]
      const child = spawn(
        'unshare',
        [...rootless, ...sandbox, 'sh', '-c', 'mount -t tmpfs run /run && exec "$@"', 'sh', ...argv],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
        },
      )
      const [out] = await Promise.all([text(child.stdout), once(child, 'exit')])
      const figures = JSON.parse(out)
      const again = figures.sent / figures.backlogBytes - 1
      console.log(
        `The drain: ${figures.batches} batches, ${figures.backlogBytes} bytes in ${figures.seconds.toFixed(0)} s, ` +
          `${figures.sent} bytes sent (${(again * 100).toFixed(1)} % more), ${figures.wire} on the cable; ` +
          `${figures.connections} connections, ${JSON.stringify(figures.reasons)}`,
      )
      expect(figures.left).toEqual({ pendingBatches: 0, quarantined: 0, lost: 0 })
      expect(figures.connections).toBeGreaterThan(3)
      expect(again).toBeLessThanOrEqual(0.25)
    },
    atMostMs,
  )
})
