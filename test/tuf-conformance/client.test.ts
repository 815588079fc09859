// The command line for the conformance suite, as the suite uses it: so that it still works on the day when it is run.

import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeProgram } from '../support/node-program.ts'
import { SampleLists } from '../support/sample-lists.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonde-tuf-'))
const program = join(folder, 'client.mjs')
const path = 'core/list.json'
const lists = new SampleLists(Date.now())
lists.lists.set(path, Buffer.from('[]'))
lists.publish()

const server = createServer((request, response) => {
  const [, kind, ...name] = (request.url ?? '').split('/')
  const file = lists.files[kind === 'metadata' ? 'metadata' : 'target'].get(name.join('/'))
  response.writeHead(file === undefined ? 404 : 200).end(file)
})

beforeAll(async () => {
  await build({ entryPoints: [join(import.meta.dirname, 'client.ts')], outfile: program, ...nodeProgram })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

/** @returns Its exit code. */
function run(...args: readonly string[]): Promise<number> {
  return new Promise((resolve) =>
    execFile(process.execPath, [program, ...args], (error) =>
      resolve(error === null ? 0 : Number(error.code)),
    ),
  )
}

it('takes a root, refreshes, and keeps what is trusted under the names that the suite looks for', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [metadata, targets] = [mkdtempSync(join(folder, 'm-')), mkdtempSync(join(folder, 't-'))]
  const rootFile = join(folder, 'root')
  writeFileSync(rootFile, lists.root)
  expect(await run('--metadata-dir', metadata, 'init', rootFile)).toBe(0)
  const where = ['--metadata-dir', metadata, '--metadata-url', `${url}/metadata/`]
  const list = ['--target-name', path, '--target-dir', targets, '--target-base-url', `${url}/targets/`]
  expect(await run(...where, ...list, 'download')).toBe(0)
  expect(readdirSync(metadata).sort()).toEqual([
    'root.json',
    'snapshot.json',
    'state',
    'targets.json',
    'timestamp.json',
  ])
  expect(readFileSync(join(metadata, 'timestamp.json'))).toEqual(lists.files.metadata.get('timestamp.json'))
  expect(readFileSync(join(targets, 'core%2Flist.json'), 'utf8')).toBe('[]')

  lists.files.metadata.set('timestamp.json', Buffer.from('<html>'))
  expect(await run(...where, 'refresh')).toBe(1)
})
