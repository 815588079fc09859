// Reading with limits: for one body, for one probe, for all of them; and what an interrupted upload leaves.

import { PassThrough, Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SampleBatch, SampleProbe } from '../../test/support/sample-probe.ts'
import { maxBatchBytes, type UploadName, uploadNameOf } from '../../tests-spec/protocol/batch.ts'
import { type Incoming, type UploadLimits, Uploads, usualLimits } from './uploads.ts'

const probe = new SampleProbe()
const other = new SampleProbe()
const MiB = 1024 * 1024

/** The payload is noise: it takes as many bytes as the argument says. */
function batchOf(size: number, from = probe, name = ''): SampleBatch {
  return from.batchOf(null, Buffer.from(name), Buffer.alloc(size, 7), (m) => ({
    ...m,
    prev: 'ab'.repeat(32),
  }))
}

function harness(limits: Partial<UploadLimits> = {}) {
  let now = 0
  const admission = (id: string) => [probe, other].find(({ device }) => device === id)?.publicKey ?? null
  const uploads = new Uploads(admission, () => now, { ...usualLimits, ...limits })
  const told: number[] = []
  const incoming = (stream: Readable, more: Partial<Incoming> = {}): Incoming => ({
    stream,
    source: 'here',
    onKnown: () => {},
    announcedBytes: null,
    complete: true,
    onProgress: (_, held) => told.push(held),
    ...more,
  })
  return {
    uploads,
    told,
    incoming,
    advance: (ms: number) => {
      now += ms
    },
    begin: (bytes: Uint8Array, more: Partial<Incoming> = {}) =>
      uploads.begin(incoming(Readable.from([bytes]), more), async (arrived) => arrived),
    resume: (name: UploadName, offset: number, bytes: Uint8Array, more: Partial<Incoming> = {}) =>
      uploads.resume(name, offset, incoming(Readable.from([bytes]), more), async (arrived) => arrived),
    /** Sends `bytes` and then loses the connection. */
    async cut(bytes: Uint8Array): Promise<unknown> {
      const stream = new PassThrough()
      const reading = uploads.begin(incoming(stream), async () => 'whole').catch((error: unknown) => error)
      stream.write(bytes)
      await new Promise(setImmediate)
      stream.destroy()
      return reading
    },
  }
}

describe('Uploads.begin()', () => {
  it('reads a batch whole', async () => {
    const { begin, uploads } = harness()
    const { bytes } = batchOf(100)
    expect(await begin(bytes)).toEqual({ kind: 'whole', bytes })
    expect(uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })

  it('refuses by the announced length and reads nothing', async () => {
    const { uploads, incoming } = harness()
    const body = new PassThrough()
    const refused = uploads.begin(incoming(body, { announcedBytes: maxBatchBytes + 1 }), async () => {})
    await expect(refused).rejects.toMatchObject({ code: 'too_large' })
    expect(body.readableFlowing).toBeNull()
  })

  it.each([
    ['is no batch', Buffer.from('not a batch'), 'not_a_batch'],
    ['claims an envelope of 4 GB', Buffer.from('PSB1\xff\xff\xff\xff', 'latin1'), 'too_large'],
    ['is of nobody we know', batchOf(MiB, new SampleProbe()).bytes.subarray(0, 5_000), 'unknown_key'],
  ])('refuses as soon as it is clear that the body %s, and asks for no more', async (_, first, code) => {
    const { uploads, incoming } = harness()
    const body = new PassThrough()
    const reading = uploads.begin(incoming(body), async () => {})
    body.write(first)
    await expect(reading).rejects.toMatchObject({ code })
    expect(uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })

  it('refuses a body that is longer than its head says, at the first byte too many', async () => {
    const { begin } = harness()
    const bytes = Buffer.concat([batchOf(100).bytes, Buffer.from('x')])
    await expect(begin(bytes)).rejects.toMatchObject({ code: 'trailing_bytes' })
  })

  it('refuses when bodies together take too much, and takes more when they are done', async () => {
    const { begin, uploads, incoming } = harness({ bytesPerProbe: 1_000 * MiB })
    let done = () => {}
    const working = new Promise<void>((resolve) => {
      done = resolve
    })
    // Fifteen batches of 8 MB have been read and are being worked on when one more comes, which is too many.
    const { bytes } = batchOf(8 * MiB)
    let read = 0
    const reading = new Promise<void>((resolve) => {
      for (let i = 0; i < 15; i++) {
        uploads.begin(incoming(Readable.from([bytes])), () => {
          if (++read === 15) resolve()
          return working
        })
      }
    })
    await reading
    await expect(begin(bytes)).rejects.toMatchObject({ code: 'busy' })
    done()
    await working
    await new Promise(setImmediate)
    expect(await begin(batchOf(MiB).bytes)).toMatchObject({ kind: 'whole' })
    expect(uploads.held.bytes).toBe(0)
  })

  it('hangs up on a sender who does not show in time whose batch it is, and not on one who did', async () => {
    const { uploads, incoming } = harness({ unknownMs: 30 })
    const known = new PassThrough()
    const reading = uploads.begin(incoming(known), async () => 'whole')
    const { bytes } = batchOf(10_000)
    known.write(bytes.subarray(0, 5_000))
    const trickle = new PassThrough()
    const refused = uploads.begin(incoming(trickle), async () => {})
    trickle.write('PSB')
    await expect(refused).rejects.toMatchObject({ code: 'too_slow' })
    known.end(bytes.subarray(5_000))
    expect(await reading).toBe('whole')
  })

  it('lets one key take no more than its share', async () => {
    const { uploads, incoming, begin } = harness({ activePerProbe: 3 })
    const streams = Array.from({ length: 3 }, () => new PassThrough())
    const { bytes } = batchOf(10_000)
    const reading = streams.map((stream) => uploads.begin(incoming(stream), async () => 'whole'))
    for (const stream of streams) stream.write(bytes.subarray(0, 5_000))
    await new Promise(setImmediate)
    await expect(begin(bytes)).rejects.toMatchObject({ code: 'busy' })
    expect(await begin(batchOf(10, other).bytes)).toMatchObject({ kind: 'whole' })
    for (const stream of streams) stream.end(bytes.subarray(5_000))
    expect(await Promise.all(reading)).toEqual(['whole', 'whole', 'whole'])
  })

  it('lets those who send again what they heard of a probe take no room from the probe itself', async () => {
    const { uploads, incoming, begin } = harness({ activePerProbe: 3 })
    const streams = Array.from({ length: 3 }, () => new PassThrough())
    const { bytes } = batchOf(10_000)
    const heard = streams.map((stream) =>
      uploads.begin(incoming(stream, { source: 'cafe' }), async () => 'whole').catch(({ code }) => code),
    )
    for (const stream of streams) stream.write(bytes.subarray(0, 5_000))
    await new Promise(setImmediate)
    expect(await begin(batchOf(10).bytes, { source: 'home' })).toMatchObject({ kind: 'whole' })
    expect(await heard[0]).toBe('busy')
    for (const stream of streams) stream.end(bytes.subarray(5_000))
    expect(await Promise.all(heard)).toEqual(['busy', 'whole', 'whole'])
    expect(uploads.held).toMatchObject({ active: 0, bytes: 0 })
  })

  it('keeps the part that the probe left, whatever others leave of what they heard', async () => {
    const { uploads, begin } = harness()
    const part = (name: string, source: string) => {
      const { bytes } = batchOf(50_000, probe, name)
      return begin(bytes.subarray(0, 20_000), { source, complete: false })
    }
    await part('own', 'home')
    for (const name of ['one', 'two', 'three']) await part(name, 'cafe')
    expect(uploads.heldOf(uploadNameOf(batchOf(50_000, probe, 'own').bytes), 'home')).toBe(20_000)
    expect(uploads.held.idle).toBe(2)
  })

  it('tells the sender how far it has come, at the head and then with every fifth of the body, 4 kB at least', async () => {
    const { uploads, incoming, told } = harness()
    const { bytes } = batchOf(40_000)
    const pieces = Array.from({ length: Math.ceil(bytes.length / 2_000) }, (_, i) =>
      bytes.subarray(i * 2_000, (i + 1) * 2_000),
    )
    await uploads.begin(incoming(Readable.from(pieces), { announcedBytes: bytes.length }), async () => {})
    expect(told[0]).toBe(2_000)
    expect(told.length).toBeGreaterThanOrEqual(4)
    expect(told.length).toBeLessThanOrEqual(5)
  })
})

describe('Uploads, interrupted,', () => {
  const batch = batchOf(50_000)
  const { id, bytes } = batch
  const upload = uploadNameOf(bytes)

  it('go on where they stopped', async () => {
    const { uploads, cut, resume } = harness()
    expect(await cut(bytes.subarray(0, 20_000))).toMatchObject({ code: 'truncated' })
    expect(uploads.offsetOf(id, 'here')).toBe(20_000)
    expect(await resume(upload, 20_000, bytes.subarray(20_000))).toEqual({ kind: 'whole', bytes })
    expect(uploads.offsetOf(id, 'here')).toBeNull()
    expect(uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })

  it('keep nothing before the head is whole and by a probe we know', async () => {
    const { uploads, cut } = harness()
    await cut(bytes.subarray(0, 300))
    await cut(batchOf(50_000, new SampleProbe()).bytes.subarray(0, 20_000))
    expect(uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })

  it('grow by parts, whatever the parts are', async () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 2_000, max: bytes.length - 1 }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), async (at, lost) => {
        const { uploads, begin, resume, cut } = harness()
        const ends = [...at.toSorted((a, b) => a - b), bytes.length]
        let from = 0
        for (const end of ends) {
          const part = bytes.subarray(from, end)
          const more = { complete: end === bytes.length }
          if (from > 0)
            expect(await resume(upload, from, part, more)).toMatchObject({
              kind: more.complete ? 'whole' : 'part',
            })
          else if (lost && !more.complete) expect(await cut(part)).toMatchObject({ code: 'truncated' })
          else expect(await begin(part, more)).toMatchObject({ kind: more.complete ? 'whole' : 'part' })
          from = end
        }
        expect(uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
      }),
      { numRuns: 40 },
    )
  })

  it('refuse a part that begins elsewhere, say where, and lose nothing by it', async () => {
    const { cut, resume } = harness()
    await cut(bytes.subarray(0, 20_000))
    for (const offset of [0, 19_999, 20_001])
      await expect(resume(upload, offset, bytes.subarray(offset))).rejects.toMatchObject({
        code: 'offset_mismatch',
        held: 20_000,
      })
    expect(await resume(upload, 20_000, bytes.subarray(20_000))).toMatchObject({ kind: 'whole' })
  })

  it('cut off the dead connection that still seems to be sending, and go on over the new one', async () => {
    const { uploads, incoming, resume } = harness()
    const dead = new PassThrough()
    const reading = uploads.begin(incoming(dead), async () => 'whole')
    dead.write(bytes.subarray(0, 20_000))
    await new Promise(setImmediate)
    expect(uploads.offsetOf(id, 'here')).toBe(20_000)
    const going = resume(upload, 20_000, bytes.subarray(20_000))
    await expect(reading).rejects.toMatchObject({ code: 'superseded' })
    expect(dead.destroyed).toBe(true)
    expect(await going).toEqual({ kind: 'whole', bytes })
    expect(uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })

  it('cut off the dead connection also when the offset has moved meanwhile', async () => {
    const { uploads, incoming, resume } = harness()
    const dead = new PassThrough()
    const reading = uploads.begin(incoming(dead), async () => 'whole')
    dead.write(bytes.subarray(0, 20_000))
    await new Promise(setImmediate)
    await expect(resume(upload, 10_000, bytes.subarray(10_000))).rejects.toMatchObject({ held: 20_000 })
    await expect(reading).rejects.toMatchObject({ code: 'superseded' })
    expect(uploads.held).toEqual({ active: 0, idle: 1, bytes: 20_000 })
  })

  it('answer no_upload for what nobody began', async () => {
    await expect(harness().resume(upload, 0, bytes)).rejects.toMatchObject({ code: 'no_upload' })
  })

  it('are dropped when the parts do not make what the head promised', async () => {
    const { uploads, cut, resume } = harness()
    await cut(bytes.subarray(0, 20_000))
    await expect(resume(upload, 20_000, bytes.subarray(20_000, 30_000))).rejects.toMatchObject({
      code: 'truncated',
    })
    expect(uploads.offsetOf(id, 'here')).toBeNull()
  })

  it('are forgotten after a quarter of an hour', async () => {
    const { uploads, cut, advance } = harness()
    await cut(bytes.subarray(0, 20_000))
    advance(usualLimits.idleMs - 1)
    expect(uploads.offsetOf(id, 'here')).toBe(20_000)
    advance(2)
    expect(uploads.offsetOf(id, 'here')).toBeNull()
    expect(uploads.held.bytes).toBe(0)
  })

  it('are kept to two a probe, the newest, and one a batch, the longest', async () => {
    const { uploads, cut } = harness()
    const batches = ['a', 'b', 'c'].map((name) => batchOf(50_000, probe, name))
    for (const each of batches) await cut(each.bytes.subarray(0, 20_000))
    await cut(batches[2]?.bytes.subarray(0, 10_000) ?? Buffer.alloc(0))
    await cut(batchOf(50_000, other).bytes.subarray(0, 20_000))
    expect(batches.map((each) => uploads.offsetOf(each.id, 'here'))).toEqual([null, 20_000, 20_000])
    expect(uploads.held).toEqual({ active: 0, idle: 3, bytes: 60_000 })
  })

  it('are bounded in number and bytes, the oldest going first', async () => {
    const few = harness({ idlePerProbe: 100, idle: 4 })
    const light = harness({ idlePerProbe: 100, idleBytes: 85_000 })
    const batches = Array.from({ length: 10 }, (_, i) => batchOf(50_000, probe, `${i}`))
    for (const each of batches) {
      await few.cut(each.bytes.subarray(0, 20_000))
      await light.cut(each.bytes.subarray(0, 20_000))
    }
    for (const { uploads } of [few, light]) {
      expect(uploads.held).toEqual({ active: 0, idle: 4, bytes: 80_000 })
      expect(batches.map((each) => uploads.offsetOf(each.id, 'here') !== null)).toEqual([
        ...Array(6).fill(false),
        ...Array(4).fill(true),
      ])
    }
  })

  it('make room for the living', async () => {
    const { uploads, cut, begin } = harness({ bytes: 60_000 })
    await cut(bytes.subarray(0, 20_000))
    expect(await begin(batchOf(50_000, other).bytes)).toMatchObject({ kind: 'whole' })
    expect(uploads.offsetOf(id, 'here')).toBeNull()
  })
})
