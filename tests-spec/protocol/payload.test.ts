// Payloads that match their manifest, and those of a probe that lies.

import { brotliCompressSync, constants } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { SampleProbe } from '../../test/support/sample-probe.ts'
import { type Manifest, maxRawBytes, sha256Hex } from './batch.ts'
import { toColumns } from './columns.ts'
import { BadLine, linesOf, maxDepth, maxLineBytes, maxLines, maxValues } from './lines.ts'
import { openPayload } from './payload.ts'

const text = Buffer.from('{"n":0}\n{"n":1}\n')
const { payload: promise } = new SampleProbe().batchOf(null, text, brotliCompressSync(text)).manifest
const promising = (changes: Partial<Manifest['payload']>): Manifest['payload'] => ({ ...promise, ...changes })
const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
const bomb = brotliCompressSync(Buffer.alloc(256 * 1024 * 1024), fast)

describe('openPayload()', () => {
  it('opens a payload that is what its manifest says', () => {
    expect(openPayload(promise, brotliCompressSync(text))).toEqual({ kind: 'opened', raw: text })
  })

  it('opens one in columns', () => {
    const lines = Array.from({ length: 9 }, (_, n) => `{"n":${n},"class":"routine"}`)
    const raw = Buffer.from(`${lines.join('\n')}\n`)
    const content = promising({ codec: 'br+columns', rawLen: raw.length, rawSha256: sha256Hex(raw) })
    const payload = brotliCompressSync(Buffer.from(toColumns(lines)))
    expect(openPayload(content, payload)).toEqual({ kind: 'opened', raw })
  })

  it('opens an empty one', () => {
    const nothing = promising({ rawLen: 0, rawSha256: sha256Hex(Buffer.alloc(0)) })
    expect(openPayload(nothing, brotliCompressSync(Buffer.alloc(0)))).toEqual({
      kind: 'opened',
      raw: Buffer.alloc(0),
    })
  })

  it.each([
    ['is not brotli', promise, Buffer.from('plain'), 'not_brotli'],
    ['is cut short', promise, brotliCompressSync(text).subarray(0, -4), 'not_brotli'],
    ['is empty', promise, Buffer.alloc(0), 'not_brotli'],
    [
      'is not the columns it promises',
      promising({ codec: 'br+columns' }),
      brotliCompressSync(text.subarray(0, 8)),
      'not_columns',
    ],
    [
      'has columns that come to more than promised',
      promising({ codec: 'br+columns', rawLen: 15 }),
      brotliCompressSync(Buffer.from('1\n\t\n0,0\n=1234567\n')),
      'too_long',
    ],
    [
      'holds less than promised',
      promising({ rawLen: text.length + 1 }),
      brotliCompressSync(text),
      'wrong_length',
    ],
    [
      'holds more than promised',
      promising({ rawLen: text.length - 1 }),
      brotliCompressSync(text),
      'too_long',
    ],
    [
      'holds something where nothing was promised',
      promising({ rawLen: 0 }),
      brotliCompressSync(text),
      'too_long',
    ],
    [
      'holds something else',
      promising({ rawSha256: 'ab'.repeat(32) }),
      brotliCompressSync(text),
      'wrong_digest',
    ],
  ] as const)('says so when it %s', (_, content, payload, fault) => {
    expect(openPayload(content, payload)).toMatchObject({ kind: 'lying', fault })
  })

  it('stops a bomb at the promised length instead of unpacking 256 MB', () => {
    expect(bomb.length).toBeLessThan(64 * 1024)
    const before = process.memoryUsage().arrayBuffers
    expect(openPayload(promise, bomb)).toMatchObject({ kind: 'lying', fault: 'too_long' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  })
})

/** A payload around any text, with a promise that is kept. */
const of = (codec: 'br' | 'br+columns', unpacked: Buffer, raw: Buffer) => {
  const payload = brotliCompressSync(unpacked, fast)
  return { payload, promised: promising({ codec, rawLen: raw.length, rawSha256: sha256Hex(raw) }) }
}

describe('what a few kilobytes may become', () => {
  const feeds = Buffer.alloc(maxRawBytes, 0x0a)
  const columns = (text: string) => Buffer.from(text, 'latin1')
  it.each([
    ['millions of lines', of('br', feeds, feeds), 'too_many_lines'],
    [
      'millions of empty forms',
      of('br+columns', columns(`9999999\n${'\n'.repeat(9_999_999)}`), feeds),
      'too_many_lines',
    ],
    [
      'more lines than one may have, of one form',
      of('br+columns', columns(`1\n\n${'0,'.repeat(maxLines)}0\n`), feeds),
      'too_many_lines',
    ],
    [
      'a form of millions of gaps',
      of('br+columns', columns(`1\n${'\t'.repeat(9_000_000)}\n\n`), feeds),
      'too_many_lines',
    ],
    [
      'millions of columns',
      of('br+columns', columns(`1\n${'\t'.repeat(999_999)}\n\n${'=1\n'.repeat(5_000_000)}`), feeds),
      'too_many_lines',
    ],
    [
      'a column of millions of values',
      of('br+columns', columns(`1\n\t\n0\nt${'1,'.repeat(8_000_000)}1\n`), feeds),
      'not_columns',
    ],
  ])('is not %s', (_, { payload, promised }, fault) => {
    expect(payload.length).toBeLessThan(16 * 1024)
    const before = process.memoryUsage()
    expect(openPayload(promised, payload)).toMatchObject({ kind: 'lying', fault })
    const after = process.memoryUsage()
    // The unpacked bytes, once as they are and once as text.
    expect(after.heapUsed - before.heapUsed).toBeLessThan(64 * 1024 * 1024)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(4 * maxRawBytes)
  })

  it('is as many lines as a payload may have', () => {
    const raw = Buffer.from('{}\n'.repeat(maxLines))
    const { payload, promised } = of('br', raw, raw)
    expect(openPayload(promised, payload)).toMatchObject({ kind: 'opened' })
    const packed = of('br+columns', columns(toColumns(raw.toString().split('\n').slice(0, -1))), raw)
    expect(openPayload(packed.promised, packed.payload)).toEqual({ kind: 'opened', raw })
  })
})

describe('linesOf()', () => {
  it.each<[string, string, unknown[]]>([
    ['lines', '{"n":0}\n{"n":1}\n', [{ n: 0 }, { n: 1 }]],
    ['a last line without an end', '1\n2', [1, 2]],
    ['empty lines, which are none', '\n1\n\n', [1]],
    ['a line that is not JSON, in its place', '1\n{"a\n2\n', [1, new BadLine('not_json'), 2]],
    [
      'a line of the greatest depth',
      `${'['.repeat(maxDepth)}${']'.repeat(maxDepth)}\n`,
      [JSON.parse('['.repeat(maxDepth) + ']'.repeat(maxDepth))],
    ],
    ['a line that is deeper', `${'['.repeat(maxDepth + 1)}\n1\n`, [new BadLine('too_deep'), 1]],
    [
      'brackets and commas of texts, which are none',
      `"${'[,\\"'.repeat(maxValues)}"\n`,
      ['[,"'.repeat(maxValues)],
    ],
    ['a line of too many values', `[${'{},'.repeat(maxValues)}{}]\n1\n`, [new BadLine('too_many_values'), 1]],
    ['a line that is too long', `"${'a'.repeat(maxLineBytes)}"\n1\n`, [new BadLine('line_too_long'), 1]],
    ['nothing', '', []],
  ])('reads %s', (_, ndjson, lines) => {
    expect([...linesOf(Buffer.from(ndjson))]).toEqual(lines)
  })
})
