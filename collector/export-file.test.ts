// Where `sonde-collector export --output` writes: a file that is whole, or none. The disk that is full is a small one, mounted
// for the command alone.

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modernNode } from '../build/modern-node.ts'
import { filledCollector } from '../test/support/filled-collector.ts'
import {
  collectorBundle,
  type Ended,
  type RunningCollector,
  runToEnd,
  temporaryFolder,
} from '../test/support/processes.ts'

const node = modernNode()
let collector: RunningCollector
const outputs = temporaryFolder('outputs')
/** Who may mount. */
const isRoot = process.getuid?.() === 0

beforeAll(async () => {
  collector = await filledCollector(600)
})
afterAll(() => collector.stop())

const exported = (...more: string[]) =>
  runToEnd(node, [collectorBundle, 'export', '--state', collector.state, ...more])

/** In a namespace of its own, where the folder `outputs` is a disk of 16 KiB. */
function onSmallDisk(...more: string[]): Promise<Ended> {
  const script = 'mount -t tmpfs -o size=16k none "$1" && shift && "$@"; code=$?; ls -A "$0" >&2; exit $code'
  const argv = [node, collectorBundle, 'export', '--state', collector.state, ...more]
  return new Promise((resolve) => {
    const inside = ['-m', 'sh', '-c', script, outputs, outputs, ...argv]
    const child = execFile('unshare', inside, (_error, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
  })
}

const forms = [[], ['--kept'], ['--csv'], ['--parquet']]

describe('sonde-collector export --output', () => {
  it.each(forms)('makes a file for its user alone, and leaves nothing beside it: %s', async (...form) => {
    const output = join(outputs, `all${form[0] ?? ''}`)
    expect((await exported(...form, '--output', output)).code).toBe(0)
    expect(statSync(output).mode & 0o777).toBe(0o600)
    expect(readFileSync(output).length).toBeGreaterThan(10_000)
    expect(readdirSync(outputs).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it.each(forms)('says that the folder is not there: %s', async (...form) => {
    const { code, err } = await exported(...form, '--output', join(outputs, 'nowhere', 'x'))
    expect({ code, err }).toEqual({
      code: 73,
      err: expect.stringMatching(/^sonde-collector: Cannot make .*: ENOENT: .* \[output_not_made\]\n$/),
    })
  })

  it.skipIf(!isRoot).each(forms)(
    'says that the disk is full, and leaves no part of the file: %s',
    async (...form) => {
      const { code, err } = await onSmallDisk(...form, '--output', join(outputs, 'x'))
      expect({ code, err }).toEqual({
        code: 74,
        err: expect.stringMatching(
          /^(\d+ measurements\n)*sonde-collector: Cannot write .* \[output_not_written\]\n$/,
        ),
      })
    },
  )
})
