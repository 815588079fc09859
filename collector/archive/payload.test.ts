// Payloads that match their manifest, and those of a probe that lies.

import { brotliCompressSync, constants } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { SampleProbe } from '../../test/support/sample-probe.ts'
import { type Manifest, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { toColumns } from '../../tests-spec/protocol/columns.ts'
import { linesOf, openPayload } from './payload.ts'

const text = Buffer.from('{"n":0}\n{"n":1}\n')
const { manifest } = new SampleProbe().batchOf(null, text, brotliCompressSync(text))
const promising = (changes: Partial<Manifest['payload']>): Manifest => ({
  ...manifest,
  payload: { ...manifest.payload, ...changes },
})
const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
const bomb = brotliCompressSync(Buffer.alloc(256 * 1024 * 1024), fast)

describe('openPayload()', () => {
  it('opens a payload that is what its manifest says', async () => {
    expect(await openPayload(manifest, brotliCompressSync(text))).toEqual({ kind: 'opened', raw: text })
  })

  it('opens one in columns', async () => {
    const lines = Array.from({ length: 9 }, (_, n) => `{"n":${n},"class":"routine"}`)
    const raw = Buffer.from(`${lines.join('\n')}\n`)
    const content = promising({ codec: 'br+columns', rawLen: raw.length, rawSha256: sha256Hex(raw) })
    const payload = brotliCompressSync(Buffer.from(toColumns(lines)))
    expect(await openPayload(content, payload)).toEqual({ kind: 'opened', raw })
  })

  it('opens an empty one', async () => {
    const nothing = promising({ rawLen: 0, rawSha256: sha256Hex(Buffer.alloc(0)) })
    expect(await openPayload(nothing, brotliCompressSync(Buffer.alloc(0)))).toEqual({
      kind: 'opened',
      raw: Buffer.alloc(0),
    })
  })

  it.each([
    ['is not brotli', manifest, Buffer.from('plain'), 'not_brotli'],
    ['is cut short', manifest, brotliCompressSync(text).subarray(0, -4), 'not_brotli'],
    ['is empty', manifest, Buffer.alloc(0), 'not_brotli'],
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
  ] as const)('says so when it %s', async (_, content, payload, fault) => {
    expect(await openPayload(content, payload)).toMatchObject({ kind: 'lying', fault })
  })

  it('stops a bomb at the promised length instead of unpacking 256 MB', async () => {
    expect(bomb.length).toBeLessThan(64 * 1024)
    const before = process.memoryUsage().arrayBuffers
    expect(await openPayload(manifest, bomb)).toMatchObject({ kind: 'lying', fault: 'too_long' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  })
})

describe('linesOf()', () => {
  it.each([
    ['lines', '{"n":0}\n{"n":1}\n', [{ n: 0 }, { n: 1 }]],
    ['a last line without an end', '1\n2', [1, 2]],
    ['empty lines, which are none', '\n1\n\n', [1]],
    ['a line that is not JSON, in its place', '1\n{"a\n2\n', [1, undefined, 2]],
    ['nothing', '', []],
  ])('reads %s', (_, ndjson, lines) => {
    expect([...linesOf(Buffer.from(ndjson))]).toEqual(lines)
  })
})
