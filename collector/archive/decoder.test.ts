// Payloads unpacked in the thread, from the sources. The built program's thread is tested with it: test/attacks.

import { randomBytes } from 'node:crypto'
import { brotliCompressSync, constants } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { SampleProbe } from '../../test/support/sample-probe.ts'
import { maxRawBytes, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { Decoder } from './decoder.ts'

const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
const probe = new SampleProbe()
const sampleOf = (raw: Buffer) => {
  const payload = brotliCompressSync(raw, fast)
  return { payload, promised: probe.batchOf(null, raw, payload).manifest.payload }
}

describe('Decoder', () => {
  const decoder = new Decoder()
  afterAll(() => decoder.close())

  it.each([
    ['small', Buffer.from('{"n":0}\n')],
    ['large', Buffer.from(`"${randomBytes(300_000).toString('hex')}"\n`)],
  ])('opens a %s payload', async (_, raw) => {
    const { promised, payload } = sampleOf(raw)
    expect(await decoder.open(promised, payload)).toEqual({ kind: 'opened', raw })
  })

  it('lets the event loop turn while it unpacks, and says what is wrong', async () => {
    const { promised, payload } = sampleOf(Buffer.alloc(maxRawBytes, 'a line that is long\n'))
    let turns = 0
    const count = setInterval(() => turns++, 1)
    expect(await decoder.open(promised, payload)).toMatchObject({ kind: 'lying', fault: 'too_many_lines' })
    clearInterval(count)
    expect(turns).toBeGreaterThan(5)
  })

  it('opens many at once, each as it is', async () => {
    const samples = Array.from({ length: 20 }, (_, n) => sampleOf(Buffer.alloc(100_000, `${n} `)))
    const opened = await Promise.all(samples.map(({ promised, payload }) => decoder.open(promised, payload)))
    expect(opened.map((each) => each.kind === 'opened' && sha256Hex(each.raw))).toEqual(
      samples.map(({ promised }) => promised.rawSha256),
    )
  })

  it('starts again after it was closed', async () => {
    decoder.close()
    const { promised, payload } = sampleOf(Buffer.alloc(100_000, 'x'))
    expect(await decoder.open(promised, payload)).toMatchObject({ kind: 'opened' })
  })
})
