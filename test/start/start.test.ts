// `npm start` and the README's third command, on loopback: the device measures the core list that was pushed, and what is pushed
// beside it while it runs. It waits for the minutes of a schedule, and runs with the scenarios and the deep tests.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { listsFolderIn, passphraseIn, startGroup } from '../../build/start-lists.ts'
import { startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { cleanEnvironment, temporaryFolder } from '../support/processes.ts'
import { coordinatorBundle } from '../support/sample-coordinator.ts'
import { root } from '../support/source-tree.ts'

const wanted = process.env.SONDE_DEEP === '1' || process.env.SONDE_SCENARIOS === '1'
const pushedUrl = 'https://pushed.ml/'

it.skipIf(!wanted)(
  'starts on the pushed core list, and measures what is pushed beside it',
  { timeout: 300_000 },
  async () => {
    const internet = await startLoopbackInternet()
    const { test_list, extra_ca } = JSON.parse(readFileSync(internet.agentArguments[1] ?? '', 'utf8'))
    const folder = temporaryFolder('start')
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'build/start.ts', '--dir', folder, '--core', test_list],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...cleanEnvironment(),
          SONDE_START_PORT: '0',
          SONDE_LAB: 'true',
          SONDE_EXTRA_CA: JSON.stringify(extra_ca),
          SONDE_SCHEDULE: '* * * * *',
          SONDE_SPREAD: '1',
          SONDE_BURST: 'false',
          SONDE_JITTER_SECONDS: '0',
          SONDE_REPEAT_AFTER_SECONDS: '0',
          SONDE_UPLOAD_SPREAD_SECONDS: '0',
        },
      },
    )
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = async () => {
      const { done, value } = await lines.next()
      if (done) throw new Error('It ended too early')
      return value
    }
    try {
      let url: string | undefined
      while (url === undefined) url = /^Dashboard: (\S+?)\/?$/.exec(await next())?.[1]
      const list = join(folder, 'more.csv')
      writeFileSync(list, `url,category_code,source\n${pushedUrl},NEWS,us\n`)
      const pushed = spawnSync(
        process.execPath,
        [
          ...[
            coordinatorBundle,
            'push',
            list,
            '--group',
            startGroup,
            '--dir',
            listsFolderIn(folder),
            '--yes',
          ],
          ...['--passphrase-file', passphraseIn(folder)],
        ],
        { encoding: 'utf8', env: cleanEnvironment() },
      )
      expect(pushed.stdout).toContain('Version 2 of the list of here is out')
      let found: Kept | undefined
      // What the device prints after each target: something has changed, so look.
      while (found === undefined) {
        await next()
        found = (await kept(url)).find(({ input }) => input === pushedUrl)
      }
      expect(found.annotations).toMatchObject({ x_sonde_lists: 'loopback 1, groups/here 2' })
    } finally {
      child.kill('SIGTERM')
      await once(child, 'exit')
      internet.close()
    }
  },
)

interface Kept {
  readonly input: string | null
  readonly annotations?: unknown
}

async function kept(url: string): Promise<Kept[]> {
  const response = await fetch(`${url}/api/v1/measurements?format=kept&limit=10000`)
  const lines = (await response.text()).split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line).measurement)
}
