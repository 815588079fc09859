// An enclosed log is whatever a probe sends: it is read within bounds, or not.

import { brotliCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { readEnclosedLog } from './enclosed-log.ts'

const packed = (text: string) => brotliCompressSync(Buffer.from(text)).toString('base64')

it('gives its lines, without what is none', () => {
  expect(readEnclosedLog(packed('{"code":"S1001"}\nno\n[1]\n{"code":"S1002"}\n'))).toEqual([
    { code: 'S1001' },
    { code: 'S1002' },
  ])
})

it.each([
  ['nothing', undefined],
  ['no base64', '<script>'],
  ['no brotli', Buffer.from('plain text').toString('base64')],
  ['a bomb', packed('x'.repeat(20 * 1024 * 1024))],
  ['more than may be packed', 'A'.repeat(40_000)],
])('of %s is none', (_, said) => {
  expect(readEnclosedLog(said)).toBeNull()
})
