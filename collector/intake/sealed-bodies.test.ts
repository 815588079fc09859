// Reading with limits: for one body, and for all bodies together.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { maxSealedBytes } from '../../tests-spec/protocol/sealed.ts'
import { SealedBodies, type SealedLimits } from './sealed-bodies.ts'

const lengthOf = async (body: Buffer) => body.length
const megabytes = (count: number) =>
  Readable.from(Array.from({ length: count }, () => Buffer.alloc(1024 * 1024)))

const folder = mkdtempSync(join(tmpdir(), 'sonde-sealed-'))
afterAll(() => rmSync(folder, { recursive: true }))
const make = (limits?: SealedLimits) => new SealedBodies(folder, limits)

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
