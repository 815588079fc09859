// An index that cannot be read as it is, seen by the commands: rotten, a folder, or on a disk where nothing can be written.

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { modernNode } from '../build/modern-node.ts'
import { filledCollector } from '../test/support/filled-collector.ts'
import { collectorBundle, type Ended, runToEnd, temporaryFolder } from '../test/support/processes.ts'

const node = modernNode()
/** Who may mount. */
const isRoot = process.getuid?.() === 0
let stopped: string
let killed: string
let state: string

beforeAll(async () => {
  const collector = await filledCollector(200)
  killed = temporaryFolder('killed')
  // While it serves, what it wrote last is beside the index.
  cpSync(collector.state, killed, { recursive: true })
  await collector.stop()
  stopped = collector.state
})
beforeEach(() => {
  state = temporaryFolder('state')
  cpSync(stopped, state, { recursive: true })
})

const ask = (command: string) => runToEnd(node, [collectorBundle, command, '--state', state])

/** Everything behind the first pages, which say what tables there are. */
function rot(path: string): void {
  writeFileSync(path, readFileSync(path).fill(0xa5, 40 * 4_096))
}

describe('an index that has rotted', () => {
  it('is said to be damaged, with what to do, which helps', async () => {
    rot(join(state, 'index.sqlite'))
    const { code, out, err } = await ask('export')
    expect({ code, out, err }).toEqual({
      code: 66,
      out: '',
      err: expect.stringMatching(
        /^sonde-collector: Cannot read the index .*malformed\. .* rebuild-index, .* \[no_index\]\n$/,
      ),
    })
    expect((await ask('rebuild-index')).code).toBe(0)
    expect((await ask('export')).out.trim().split('\n')).toHaveLength(200)
  })

  it('is not made again while a folder has its name', async () => {
    rmSync(join(state, 'index.sqlite'))
    mkdirSync(join(state, 'index.sqlite'))
    const { code, err } = await ask('rebuild-index')
    expect({ code, err }).toEqual({
      code: 73,
      err: expect.stringMatching(/index\.sqlite is a folder: .* \[state_unusable\]\n$/),
    })
  })
})

describe.skipIf(!isRoot)('an index on a disk that is read only', () => {
  const exportReadOnly = (from: string): Promise<Ended> => {
    const script = 'mount --bind -o ro "$1" "$1" && exec "$2" "$3" export --state "$1"'
    return new Promise((resolve) => {
      const argv = ['-m', 'sh', '-c', script, 'sh', from, node, collectorBundle]
      const child = execFile('unshare', argv, (_error, out, err) =>
        resolve({ code: child.exitCode, out, err }),
      )
    })
  }

  it('is read when its collector was stopped', async () => {
    const { code, out, err } = await exportReadOnly(state)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.trim().split('\n')).toHaveLength(200)
  })

  it('is to be copied when its collector was killed', async () => {
    rmSync(join(killed, 'index.sqlite-shm'), { force: true })
    const { code, err } = await exportReadOnly(killed)
    expect({ code, err }).toEqual({
      code: 66,
      err: expect.stringMatching(/Copy the state folder to a disk .* \[no_index\]\n$/),
    })
  })
})
