// A command that is ended while it writes. How it fails by itself is tested with the program, in export-file.test.ts.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { nodeProgram } from '../../test/support/node-program.ts'
import { temporaryFolder } from '../../test/support/processes.ts'

const folder = temporaryFolder('outputs')
const program = join(folder, 'half.mjs')
/** Writes half, says so, and goes on for ever. */
const contents = `
  import { makeOutputFile } from './output-file.ts'
  await makeOutputFile(process.argv[2], async ({ write }) => {
    await write('half')
    console.log('half')
    await new Promise(() => setInterval(() => {}, 60_000))
  })`

beforeAll(() =>
  build({
    ...nodeProgram,
    stdin: { contents, loader: 'ts', resolveDir: import.meta.dirname },
    outfile: program,
  }),
)

describe('makeOutputFile()', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing when %s ends the program', async (signal) => {
    const outputs = join(folder, signal)
    mkdirSync(outputs)
    const child = spawn(process.execPath, [program, join(outputs, 'x')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    expect(readdirSync(outputs)).toHaveLength(1)
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([null, signal])
    expect(readdirSync(outputs)).toEqual([])
  })
})
