// Reading with limits: for one body, and for all bodies together.

import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { maxSealedBytes } from '../../tests-spec/protocol/sealed.ts'
import { SealedBodies } from './sealed-bodies.ts'

const lengthOf = async (body: Buffer) => body.length
const megabytes = (count: number) =>
  Readable.from(Array.from({ length: count }, () => Buffer.alloc(1024 * 1024)))

describe('SealedBodies.with()', () => {
  it('reads a body whole', async () => {
    const body = Readable.from([Buffer.from('PS'), Buffer.from('B1')])
    expect(await new SealedBodies().with(body, 4, async (bytes) => bytes.toString())).toBe('PSB1')
  })

  it('refuses by the announced length and reads nothing', async () => {
    const body = new PassThrough()
    await expect(new SealedBodies().with(body, maxSealedBytes + 1, lengthOf)).rejects.toMatchObject({
      code: 'too_large',
    })
    expect(body.readableFlowing).toBeNull()
  })

  it('refuses a body that is longer than announced', async () => {
    await expect(new SealedBodies().with(megabytes(9), 1, lengthOf)).rejects.toMatchObject({
      code: 'too_large',
    })
  })

  it('refuses when bodies together take too much, and takes more when they are done', async () => {
    const bodies = new SealedBodies()
    let done = () => {}
    const working = new Promise<void>((resolve) => {
      done = resolve
    })
    // Eight files of 8 MB have been read and are being worked on when the next byte comes.
    let read = 0
    const reading = new Promise<void>((resolve) => {
      for (let i = 0; i < 8; i++) {
        bodies.with(megabytes(8), null, () => {
          if (++read === 8) resolve()
          return working
        })
      }
    })
    await reading
    await expect(bodies.with(megabytes(1), null, lengthOf)).rejects.toMatchObject({ code: 'busy' })
    done()
    await working
    await new Promise(setImmediate)
    expect(await bodies.with(megabytes(1), null, lengthOf)).toBe(1024 * 1024)
  })

  it.each([undefined, new Error('reset')])('refuses a body whose sender went away (%s)', async (error) => {
    const body = new PassThrough()
    const reading = new SealedBodies().with(body, 100, lengthOf)
    body.write('half')
    body.destroy(error)
    await expect(reading).rejects.toMatchObject({ code: 'truncated' })
  })
})
