// A test list of the operator's own, and the error when it cannot be used.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { readCas, readTestList } from './named-files.ts'

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

it('readCas() wants a certificate in every file, and names each that has none, with the reason', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-ca-'))
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, 'latin1')
    return join(folder, name)
  }
  const { caPem } = makeAuthority()
  const good = file('good.pem', `caf\xe9\n${caPem}\n${makeAuthority().caPem}`)
  expect(readCas({ extra_ca: [good] })).toHaveLength(1)
  const torn = file('torn.pem', caPem.replace(/\n[^\n]+\n-----END/, '\n-----END'))
  const paths = [good, file('empty', ''), '/etc/passwd', torn, join(folder, 'nowhere'), folder]
  const message = `Cannot use the CA certificates named in extra_ca:
  ${folder}/empty: there is no certificate in PEM form in it
  /etc/passwd: there is no certificate in PEM form in it
  ${folder}/torn.pem: certificate 1 in it cannot be read
  ${folder}/nowhere: ENOENT: no such file or directory, open '${folder}/nowhere'
  ${folder}: it is a folder`
  expect(() => readCas({ extra_ca: paths })).toThrow(
    expect.objectContaining({ code: 'bad_config', exitCode: 78, message }),
  )
})
