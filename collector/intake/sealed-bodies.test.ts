// Reading with limits: for one body, and for all bodies together.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { maxSealedBytes } from '../../tests-spec/protocol/sealed.ts'
import { SealedBodies, type SealedLimits, usualSealedLimits } from './sealed-bodies.ts'

const lengthOf = async (body: Buffer) => body.length
const megabytes = (count: number) =>
  Readable.from(Array.from({ length: count }, () => Buffer.alloc(1024 * 1024)))

const folder = mkdtempSync(join(tmpdir(), 'sonde-sealed-'))
afterAll(() => rmSync(folder, { recursive: true }))
let clock = 0
const make = (limits?: Partial<SealedLimits>) =>
  new SealedBodies(folder, () => clock, limits && { ...usualSealedLimits, ...limits })

describe('SealedBodies.with()', () => {
  it('reads a body whole', async () => {
    const body = Readable.from([Buffer.from('PS'), Buffer.from('B1')])
    expect(await make().with(body, 4, 'here', async (bytes) => bytes.toString())).toBe('PSB1')
  })

  it('refuses by the announced length and reads nothing', async () => {
    const body = new PassThrough()
    await expect(make().with(body, maxSealedBytes + 1, 'here', lengthOf)).rejects.toMatchObject({
      code: 'too_large',
    })
    expect(body.readableFlowing).toBeNull()
  })

  it('refuses a body that is longer than announced', async () => {
    await expect(make().with(megabytes(9), 1, 'here', lengthOf)).rejects.toMatchObject({
      code: 'too_large',
    })
  })

  it('gives each network a share, keeps no name on the disk, and takes more when a body is done', async () => {
    const bodies = make({ bytes: 10 * 1024 * 1024, bytesEach: 4 * 1024 * 1024 })
    const slow = new PassThrough()
    const first = bodies.with(slow, null, 'here', lengthOf)
    slow.write(Buffer.alloc(3 * 1024 * 1024))
    await expect.poll(() => bodies.held).toBe(3 * 1024 * 1024)
    await expect(bodies.with(megabytes(2), null, 'here', lengthOf)).rejects.toMatchObject({ code: 'busy' })
    expect(await bodies.with(megabytes(2), null, 'there', lengthOf)).toBe(2 * 1024 * 1024)
    expect(readdirSync(folder)).toEqual([])
    slow.end()
    expect(await first).toBe(3 * 1024 * 1024)
    expect(await bodies.with(megabytes(4), null, 'here', lengthOf)).toBe(4 * 1024 * 1024)
  })

  it('refuses when bodies together take too much', async () => {
    const bodies = make({ bytes: 4 * 1024 * 1024, bytesEach: 3 * 1024 * 1024 })
    const slow = new PassThrough()
    const first = bodies.with(slow, null, 'here', lengthOf)
    slow.write(Buffer.alloc(3 * 1024 * 1024))
    await expect.poll(() => bodies.held).toBe(3 * 1024 * 1024)
    await expect(bodies.with(megabytes(2), null, 'there', lengthOf)).rejects.toMatchObject({ code: 'busy' })
    slow.end()
    await first
  })

  it.each([undefined, new Error('reset')])('refuses a body whose sender went away (%s)', async (error) => {
    const body = new PassThrough()
    const reading = make().with(body, 100, 'here', lengthOf)
    body.write('half')
    body.destroy(error)
    await expect(reading).rejects.toMatchObject({ code: 'truncated' })
  })
})

describe('SealedBodies.append()', () => {
  const bytes = Buffer.alloc(100_000, 'age-encryption.org/v1 and so on')
  const name = sha256Hex(bytes)
  const part = (from: number, to: number) => ({
    at: { name, offset: from, complete: to === bytes.length },
    stream: Readable.from([bytes.subarray(from, to)]),
  })
  const send = (bodies: SealedBodies, from: number, to: number, source = 'here') => {
    const { at, stream } = part(from, to)
    return bodies.append(at, stream, to - from, source, async (body) => body.equals(bytes))
  }

  it('puts a file together from parts, and holds nothing of it afterwards', async () => {
    const bodies = make()
    expect(await send(bodies, 0, 40_000)).toEqual({ held: 40_000 })
    expect(bodies.heldOf(name, 'here')).toBe(40_000)
    expect(await send(bodies, 40_000, 70_000)).toEqual({ held: 70_000 })
    expect(await send(bodies, 70_000, 100_000)).toBe(true)
    expect([bodies.held, bodies.heldOf(name, 'here')]).toEqual([0, null])
    expect(readdirSync(folder)).toEqual([])
  })

  it('keeps what came before a line broke off, and nothing for another network', async () => {
    const bodies = make()
    const broken = new PassThrough()
    const reading = bodies.append(part(0, 100_000).at, broken, 100_000, 'here', lengthOf)
    broken.write(bytes.subarray(0, 30_000))
    await expect.poll(() => bodies.held).toBe(30_000)
    broken.destroy(new Error('reset'))
    await expect(reading).rejects.toMatchObject({ code: 'truncated' })
    expect(bodies.heldOf(name, 'there')).toBeNull()
    await expect(send(bodies, 30_000, 100_000, 'there')).rejects.toMatchObject({ code: 'no_upload' })
    await expect(send(bodies, 10_000, 100_000)).rejects.toMatchObject({
      code: 'offset_mismatch',
      held: 30_000,
    })
    expect(await send(bodies, 30_000, 100_000)).toBe(true)
  })

  it('ends a connection that is dead when its sender comes again', async () => {
    const bodies = make()
    const dead = new PassThrough()
    const reading = bodies
      .append(part(0, 100_000).at, dead, 100_000, 'here', lengthOf)
      .catch(({ code }) => code)
    dead.write(bytes.subarray(0, 30_000))
    await expect.poll(() => bodies.held).toBe(30_000)
    expect(await send(bodies, 30_000, 100_000)).toBe(true)
    expect(await reading).toBe('truncated')
    expect(bodies.held).toBe(0)
  })

  it('holds one file of a name, however many begin it at once, and goes on with the newest', async () => {
    const bodies = make()
    const slow = [new PassThrough(), new PassThrough(), new PassThrough()]
    const readings = slow.map((each) =>
      bodies.append(part(0, 100_000).at, each, null, 'here', lengthOf).catch(({ code }) => code),
    )
    for (const each of slow) each.write(bytes.subarray(0, 30_000))
    expect(await Promise.all(readings.slice(0, 2))).toEqual(['truncated', 'truncated'])
    slow[2]?.end(bytes.subarray(30_000))
    // It is the first of which something came, or its end is missing: none is left, whatever came of them.
    await readings[2]
    await expect.poll(() => bodies.held).toBe(0)
    const many = await Promise.all(
      Array.from({ length: 20 }, () => send(bodies, 0, 40_000).catch(({ code }) => code)),
    )
    expect(many.at(-1)).toEqual({ held: 40_000 })
    expect(bodies.held).toBe(40_000)
  })

  it('takes a limited number of files, of each network and of all, however little came of them', async () => {
    const bodies = make({ files: 10, filesEach: 4 })
    const begin = (n: number, source: string) => {
      const at = { name: sha256Hex(Buffer.from(`${n} ${source}`)), offset: 0, complete: false }
      return bodies.append(at, Readable.from([Buffer.from('x')]), 1, source, lengthOf)
    }
    for (let n = 0; n < 6; n++) await begin(n, 'stranger')
    expect(bodies.held).toBe(4)
    for (const source of ['b', 'c', 'd', 'e', 'f', 'g']) expect(await begin(0, source)).toEqual({ held: 1 })
    // The next takes the place of one of those who have most.
    expect(await begin(0, 'h')).toEqual({ held: 1 })
    expect(bodies.held).toBe(10)
    expect(bodies.heldOf(sha256Hex(Buffer.from('0 b')), 'b')).toBe(1)
    const open = Array.from({ length: 4 }, () => new PassThrough())
    const reading = open.map((each) => bodies.with(each, null, 'busy', lengthOf).catch(({ code }) => code))
    for (const each of open) each.write('x')
    await expect.poll(() => bodies.held).toBe(10)
    // Two in place of a stranger's. The others have fewer than it has then, and keep what they have.
    expect(await Promise.all(reading.slice(2))).toEqual(['busy', 'busy'])
    await expect(begin(0, 'busy')).rejects.toMatchObject({ code: 'busy' })
    expect(await begin(0, 'i')).toEqual({ held: 1 })
    for (const each of open) each.end()
    expect(await Promise.all(reading.slice(0, 2))).toEqual([1, 1])
  })

  it('refuses parts that do not make the file that was named', async () => {
    const bodies = make()
    await send(bodies, 0, 40_000)
    const other = Readable.from([Buffer.alloc(60_000)])
    await expect(
      bodies.append(part(40_000, 100_000).at, other, 60_000, 'here', lengthOf),
    ).rejects.toMatchObject({ code: 'damaged' })
    expect(bodies.held).toBe(0)
  })

  it('gives parts up for age, and for room that others need', async () => {
    const bodies = make({ bytes: 150_000, bytesEach: 120_000 })
    await send(bodies, 0, 90_000)
    expect(await bodies.with(Readable.from([bytes]), null, 'there', lengthOf)).toBe(100_000)
    expect(bodies.heldOf(name, 'here')).toBeNull()
    await send(bodies, 0, 90_000)
    clock += 15 * 60_000
    expect(bodies.heldOf(name, 'here')).toBeNull()
    expect(bodies.held).toBe(0)
  })
})
