import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockAligned, blockBytes, encodeFrame, type Frame, frameHeadBytes, scanFrames } from './frame.ts'

const frame = (sequence: number, body = `body of ${sequence}`): Frame => ({
  stream: 'r',
  sequence,
  body: Buffer.from(body),
})

/** Commits of frames, each in a block of its own, with room behind the last. */
function written(...commits: readonly (readonly Frame[])[]): Buffer {
  const parts = commits.map((frames) => {
    const group = Buffer.concat(frames.map(encodeFrame))
    return Buffer.concat([group, Buffer.alloc(blockAligned(group.length) - group.length)])
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)])
}

const sequences = (bytes: Buffer) => scanFrames(bytes, 0).frames.map((each) => each.sequence)

describe('encodeFrame()', () => {
  it('lays out magic, length, checksum, stream, flags and sequence as the page says', () => {
    const bytes = encodeFrame({ stream: 'a', sequence: 0x010203040506, body: Buffer.from('xyz') })
    expect(bytes).toHaveLength(frameHeadBytes + 3)
    expect(bytes.toString('hex', 0, 8)).toBe('f553463100000003')
    expect(bytes.toString('hex', 12)).toBe('6101010203040506' + '78797a')
  })

  it('is read back, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.constantFrom('a', 'r', 'd', 'c'), fc.maxSafeNat(), fc.uint8Array({ maxLength: 6_000 })),
        ),
        (list) => {
          const frames = list.map(([stream, n, body]) => ({ stream, sequence: n % 2 ** 48, body }) as Frame)
          const found = scanFrames(written(frames), 0)
          expect(
            found.frames.map(({ stream, sequence, body }) => ({
              stream,
              sequence,
              body: new Uint8Array(body),
            })),
          ).toEqual(frames)
          expect(found.gaps).toEqual([])
        },
      ),
    )
  })
})

describe('scanFrames()', () => {
  it('finds nothing in zeros, and begins there', () => {
    expect(scanFrames(Buffer.alloc(3 * blockBytes), blockBytes)).toEqual({
      frames: [],
      gaps: [],
      suspects: [],
      tail: blockBytes,
    })
  })

  it('goes on behind the last commit, on a block of its own', () => {
    expect(scanFrames(written([frame(0)], [frame(1), frame(2)]), 0).tail).toBe(2 * blockBytes)
    expect(scanFrames(written([frame(0, 'x'.repeat(blockBytes - frameHeadBytes))]), 0).tail).toBe(blockBytes)
  })

  it('goes on behind torn content, never over it', () => {
    const bytes = written([frame(0)])
    bytes.write('torn', 3 * blockBytes - 100)
    expect(scanFrames(bytes, 0).tail).toBe(3 * blockBytes)
  })

  it('passes over a frame of which any bit is wrong, and finds the next', () => {
    const intact = written([frame(0), frame(1), frame(2)])
    const first = encodeFrame(frame(0)).length
    const second = encodeFrame(frame(1)).length
    for (let bit = first * 8; bit < (first + second) * 8; bit++) {
      const bytes = Buffer.from(intact)
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(sequences(bytes), `bit ${bit}`).toEqual([0, 2])
    }
  })

  it('is not led astray by a length that reaches over other frames or out of the file', () => {
    for (const length of [60, 5_000, 0xffffffff]) {
      const bytes = written([frame(0), frame(1), frame(2)])
      bytes.writeUInt32BE(length, encodeFrame(frame(0)).length + 4)
      expect(sequences(bytes)).toEqual([0, 2])
    }
  })

  it('takes no frame of a kind it does not know', () => {
    const unknownFlags = encodeFrame(frame(1))
    unknownFlags.writeUInt8(9, 13)
    const bytes = Buffer.concat([unknownFlags, Buffer.alloc(100)])
    expect(sequences(bytes)).toEqual([])
  })

  it('names what heads say that cannot be trusted', () => {
    const bytes = written([frame(0)], [frame(77)])
    bytes.writeUInt8(0xff, blockBytes + frameHeadBytes)
    expect(scanFrames(bytes, 0).suspects).toEqual([77])
  })
})

describe('scanFrames() tells gaps', () => {
  const rows: readonly [what: string, damage: (bytes: Buffer) => void, gaps: unknown][] = [
    ['none in an intact file', () => {}, []],
    [
      'where a frame within a commit is unreadable, with later commits behind it',
      (bytes) => bytes.fill(0xff, 40, 44),
      [{ after: 0, before: 2, inLastCommit: false }],
    ],
    [
      'where a whole commit was zeroed',
      (bytes) => bytes.fill(0, blockBytes, 2 * blockBytes),
      [{ after: 2, before: 5, inLastCommit: false }],
    ],
    [
      'at the beginning',
      (bytes) => bytes.fill(0, 0, blockBytes),
      [{ after: null, before: 3, inLastCommit: false }],
    ],
    [
      'in the last commit: torn, most likely',
      (bytes) => bytes.fill(0xff, 2 * blockBytes + 4, 2 * blockBytes + 8),
      [{ after: 4, before: 6, inLastCommit: true }],
    ],
    [
      'behind the last frame: torn, most likely',
      (bytes) => bytes.write('junk', 3 * blockBytes),
      [{ after: 6, before: null, inLastCommit: true }],
    ],
  ]

  it.each(rows)('%s', (_, damage, gaps) => {
    const bytes = written([frame(0), frame(1), frame(2)], [frame(3), frame(4)], [frame(5), frame(6)])
    damage(bytes)
    expect(scanFrames(bytes, 0).gaps).toEqual(gaps)
  })
})
