// A test list of the operator's own, and the error when it cannot be used.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readTestList } from './named-files.ts'

function list(content: string): { test_list: string } {
  const test_list = join(mkdtempSync(join(tmpdir(), 'sonde-list-')), 'list.json')
  writeFileSync(test_list, content)
  return { test_list }
}

const own = { name: 'own', version: 1, entries: [], controls: [], resolvers: [] }

it('readTestList() reads a list, also behind a byte order mark', () => {
  expect(readTestList({ test_list: null }).name).toBe('core')
  expect(readTestList(list(JSON.stringify(own))).name).toBe('own')
  expect(readTestList(list(`\uFEFF${JSON.stringify(own)}`)).name).toBe('own')
})

it.each([
  ['is not there', { test_list: '/nonexistent/list.json' }, /list\.json: ENOENT/],
  ['is no JSON', list('{\n  "name": "own",\n  version: 1\n}'), /list\.json:3:3: expected a name in double/],
  [
    'has several faults',
    list(JSON.stringify({ ...own, version: 0, entries: [{ nettest: 'whatsapp', input: 'x' }], more: 1 })),
    /version: .*entries\.0\.input: .*entries\.0\.category_code: .*more: /,
  ],
])('readTestList() says what is wrong with a list that %s', (_, config, words) => {
  expect(() => readTestList(config)).toThrow(
    expect.objectContaining({ code: 'bad_test_list', exitCode: 78, message: expect.stringMatching(words) }),
  )
})
