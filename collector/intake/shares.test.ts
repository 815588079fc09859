// Rooms that strangers fill: what each network and each key may take of what is there for all.

import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { SampleProbe } from '../../test/support/sample-probe.ts'
import { uploadNameOf } from '../../tests-spec/protocol/batch.ts'
import { Connections } from '../http/connections.ts'
import { type Arrived, type Incoming, type UploadLimits, Uploads, usualLimits } from './uploads.ts'

const probe = new SampleProbe()
const MiB = 1024 * 1024
const batchOf = (size: number) =>
  probe.batchOf(null, Buffer.alloc(0), Buffer.alloc(size, 7), (m) => ({ ...m, prev: 'ab'.repeat(32) }))
/** The beginning of an envelope that never ends. */
const opening = Buffer.concat([Buffer.from('PSB1\0\0\xff\xff', 'latin1'), Buffer.alloc(60_000, 0x20)])

function harness(limits: Partial<UploadLimits> = {}) {
  const admission = (id: string) => (id === probe.device ? probe.publicKey : null)
  const uploads = new Uploads(admission, () => 0, { ...usualLimits, ...limits })
  const incoming = (stream: Readable, source: string): Incoming => ({
    stream,
    source,
    announcedBytes: null,
    complete: true,
    onKnown: () => {},
    onProgress: () => {},
  })
  return {
    uploads,
    /** Begins to send and goes on for ever. @returns The code that it is refused with. */
    stall(bytes: Uint8Array, source: string) {
      const stream = new PassThrough()
      stream.write(bytes)
      const ended = uploads
        .begin(incoming(stream, source), async () => 'taken')
        .catch((error: { code: string }) => error.code)
      return { stream, ended }
    },
    send: (bytes: Uint8Array, source: string) =>
      uploads.begin(incoming(Readable.from([bytes]), source), async ({ kind }) => kind),
    resume: (name: Parameters<Uploads['resume']>[0], offset: number, stream: Readable, source: string) =>
      uploads.resume(name, offset, incoming(stream, source), async (arrived: Arrived) => arrived),
  }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('strangers', () => {
  it('of one network have their share, and probes all that is left', async () => {
    const { stall, send } = harness()
    const all = Array.from({ length: 3_000 }, () => stall(opening, '192.0.2'))
    await turn()
    await turn()
    expect(await Promise.race([all[2_999]?.ended, turn().then(() => 'held')])).toBe('busy')
    expect(await send(batchOf(8 * MiB - 100).bytes, '192.0.2')).toBe('whole')
  })

  it('of many networks take room from each other, the oldest first, and none from probes', async () => {
    const { stall, send, uploads } = harness({ unknownBytes: MiB })
    const all = Array.from({ length: 200 }, (_, n) => stall(opening, `10.0.${n}`))
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(uploads.held.bytes).toBeLessThan(1.2 * MiB)
    expect(await all[0]?.ended).toBe('busy')
    expect(await Promise.race([all[199]?.ended, turn().then(() => 'held')])).toBe('held')
    expect(await send(batchOf(1_000).bytes, '10.0.199')).toBe('whole')
  })
})

describe('a key', () => {
  it('takes no more than its share of the room, however many bodies it sends', async () => {
    const { stall, uploads } = harness()
    const large = batchOf(8 * MiB - 100).bytes.subarray(0, -1)
    const all = Array.from({ length: 12 }, () => stall(large, '192.0.2'))
    for (let turns = 0; turns < 20; turns++) await turn()
    const codes = await Promise.all(all.map(({ ended }) => Promise.race([ended, turn().then(() => 'held')])))
    expect(codes.filter((code) => code === 'busy').length).toBeGreaterThanOrEqual(8)
    expect(uploads.held.bytes).toBeLessThan(40 * MiB)
  })
})

describe('whoever knows the address of an upload and has no key', () => {
  const { id, bytes } = batchOf(20_000)
  const upload = uploadNameOf(bytes)

  it('cuts nobody off', async () => {
    const { stall, resume, uploads } = harness()
    const own = stall(bytes.subarray(0, 10_000), '192.0.2')
    await turn()
    for (const offset of [3, 10_000]) {
      const theirs = new PassThrough()
      theirs.end('x')
      await expect(resume(upload, offset, theirs, '203.0.113')).rejects.toMatchObject({
        code: expect.stringMatching(/offset_mismatch|truncated/),
      })
    }
    expect(uploads.held.active).toBe(1)
    own.stream.end(bytes.subarray(10_000))
    expect(await own.ended).toBe('taken')
    expect(uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })

  it('spoils nothing that the probe goes on with', async () => {
    const { stall, resume, uploads } = harness()
    const own = stall(bytes.subarray(0, 10_000), '192.0.2')
    await turn()
    own.stream.destroy()
    expect(await own.ended).toBe('truncated')
    const theirs = new PassThrough()
    theirs.write(Buffer.alloc(5_000, 0x20))
    const spoilt = resume(upload, 10_000, theirs, '203.0.113').catch((error) => error.code)
    await turn()
    theirs.destroy()
    expect(await spoilt).toBe('truncated')
    expect(uploads.offsetOf(id, '192.0.2')).toBe(10_000)
    const rest = Readable.from([bytes.subarray(10_000)])
    expect(await resume(upload, 10_000, rest, '192.0.2')).toEqual({ kind: 'whole', bytes })
  })

  it('is no other than a probe that came over another network: it goes on as well', async () => {
    const { stall, resume } = harness()
    const own = stall(bytes.subarray(0, 10_000), '192.0.2')
    await turn()
    own.stream.destroy()
    await own.ended
    const rest = Readable.from([bytes.subarray(10_000)])
    expect(await resume(upload, 10_000, rest, '198.51.100')).toEqual({ kind: 'whole', bytes })
  })
})

describe('Connections', () => {
  class Line extends EventEmitter {
    destroyed = false
    readonly remoteAddress: string
    constructor(remoteAddress: string) {
      super()
      this.remoteAddress = remoteAddress
    }
    destroy(): void {
      this.destroyed = true
      this.emit('close')
    }
  }
  const lineTo = (address: string) => new Line(address) as unknown as Line & Socket

  it('give way from the network that has most, the oldest first, and never where a probe is known', () => {
    const connections = new Connections(10)
    const known = lineTo('192.0.2.1')
    connections.add(known)
    connections.known(known)
    const crowd = Array.from({ length: 9 }, (_, n) => lineTo(`203.0.113.${n}`))
    for (const each of crowd) connections.add(each)
    const other = lineTo('198.51.100.1')
    connections.add(other)
    connections.add(lineTo('198.51.100.2'))
    expect(crowd.map(({ destroyed }) => destroyed)).toEqual([true, true, ...Array(7).fill(false)])
    expect([known.destroyed, other.destroyed]).toEqual([false, false])
  })
})
