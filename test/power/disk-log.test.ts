import { describe, expect, it } from 'vitest'
import { diskAfterCut, type Entry, instants, saidUntil } from './disk-log.ts'

const write = (offset: number, byte: number, length = 1024): Entry => ({
  kind: 'write',
  offset,
  bytes: Buffer.alloc(length, byte),
})
const said = (text: string): Entry => ({ kind: 'said', text })
const log: Entry[] = [
  write(0, 1),
  { kind: 'flush' },
  said('{"n":1}\n'),
  write(1024, 2),
  said('{"n":'),
  said('2}\n'),
]
const base = Buffer.alloc(2048)
const never = () => 0.9

describe('diskAfterCut()', () => {
  it('has nothing of what came after the cut', () => {
    expect(diskAfterCut(base, log, 0, 'ordered', never)).toEqual(base)
    expect(diskAfterCut(base, log, 3, 'ordered', never)).toEqual(
      Buffer.concat([Buffer.alloc(1024, 1), Buffer.alloc(1024)]),
    )
  })

  it.each(['cache', 'torn'] as const)('keeps what was flushed and may lose the rest (%s)', (model) => {
    expect(diskAfterCut(base, log, 6, model, never)).toEqual(diskAfterCut(base, log, 3, 'ordered', never))
    expect(diskAfterCut(base, log, 6, model, () => 0)).toEqual(diskAfterCut(base, log, 6, 'ordered', never))
  })

  it('loses what was written before a flush that had not come', () => {
    expect(diskAfterCut(base, log, 1, 'cache', never)).toEqual(base)
  })

  it('tears a write between sectors, and nowhere else', () => {
    let turn = 0
    const image = diskAfterCut(base, log, 6, 'torn', () => turn++ % 2)
    expect(image.subarray(1024)).toEqual(Buffer.concat([Buffer.alloc(512, 2), Buffer.alloc(512)]))
  })
})

describe('saidUntil()', () => {
  it('hears whole lines only', () => {
    expect(saidUntil(log, 5)).toEqual([{ n: 1 }])
    expect(saidUntil(log, 6)).toEqual([{ n: 1 }, { n: 2 }])
  })
})

describe('instants()', () => {
  it('falls behind a word every other time', () => {
    const [first = -1, second = -1] = instants(log, 2, () => 0)
    expect([first, second]).toEqual([3, 0])
  })
})
