import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, fuzz } from '../../../test/support/fuzzing.ts'
import { readOneFile, writeOneFile } from './one-file.ts'
import { Refused } from './refusal.ts'

const sample = new Map([
  ['targets/core/ab.list.json', Buffer.from('[]')],
  ['metadata/timestamp.json', Buffer.from('{"signed":{}}')],
  ['metadata/1.root.json', Buffer.alloc(0)],
])
const bytes = writeOneFile(sample)
const withIndex = (index: string, rest = '') => {
  const head = Buffer.from('SLR1\0\0\0\0')
  head.writeUInt32BE(Buffer.byteLength(index), 4)
  return Buffer.concat([head, Buffer.from(index + rest)])
}

describe('a repository in one file', () => {
  it('is read as it was written, and is the same whatever the order', () => {
    expect(new Map([...readOneFile(bytes)].map(([name, each]) => [name, Buffer.from(each)]))).toEqual(sample)
    expect(writeOneFile(new Map([...sample].reverse()))).toEqual(bytes)
  })

  it('has the form of the page', () => {
    const index =
      '{"files":[["metadata/1.root.json",0],["metadata/timestamp.json",13],["targets/core/ab.list.json",2]]}'
    expect(bytes).toEqual(withIndex(index, '{"signed":{}}[]'))
  })

  it('is refused when it is cut anywhere, or something stands behind it', () => {
    for (let at = 0; at < bytes.length; at++)
      expect(() => readOneFile(bytes.subarray(0, at))).toThrow(Refused)
    expect(() => readOneFile(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(Refused)
  })

  it.each([
    ['another beginning', Buffer.from('SLR2\0\0\0\0')],
    ['an index without end', Buffer.from('SLR1\xff\xff\xff\xff', 'latin1')],
    ['no JSON', withIndex('<html>')],
    ['no files', withIndex('{}')],
    ['a name twice', withIndex('{"files":[["targets/a",0],["targets/a",0]]}')],
    ['a name elsewhere', withIndex('{"files":[["etc/passwd",0]]}')],
    ['a folder for a name', withIndex('{"files":[["targets/",0]]}')],
    ['a length below nought', withIndex('{"files":[["targets/a",1],["targets/b",-1]]}')],
    ['more in an entry', withIndex('{"files":[["targets/a",0,0]]}')],
    [
      'too many files',
      withIndex(`{"files":[${Array.from({ length: 2_049 }, (_, i) => `["targets/${i}",0]`)}]}`),
    ],
    ['too many bytes', Buffer.alloc(16 * 1024 * 1024 + 1)],
  ])('is refused for %s', (_, given) => {
    expect(() => readOneFile(given)).toThrow(Refused)
  })

  it('is taken or refused, whatever the bytes', () => {
    const near = fc.tuple(fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }))
    fuzz(near, cases(500, 50_000), ([at, junk]) => {
      const hurt = Buffer.concat([bytes.subarray(0, at), junk, bytes.subarray(at + junk.length)])
      try {
        readOneFile(hurt)
      } catch (error) {
        expect(error).toBeInstanceOf(Refused)
      }
    })
  })

  it('is not written where nobody would read it', () => {
    expect(() => writeOneFile(new Map([['targets/a', Buffer.alloc(16 * 1024 * 1024)]]))).toThrow(RangeError)
  })
})
