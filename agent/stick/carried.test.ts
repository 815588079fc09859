// What a stick may cost those whose files are carried already. What the store does otherwise: submit/forward-sealed.test.ts.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { Carried } from './carried.ts'

describe('a stick that is full of files', () => {
  let dir: string
  let carried: Carried
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sonde-carried-'))
    carried = new Carried({ dir, quotaBytes: 10_000, roomBytes: () => 1e9 })
  })
  afterEach(() => rmSync(dir, { recursive: true }))
  const file = (n: number) => Buffer.alloc(1_000, n)
  const digests = (...numbers: number[]) => numbers.map((n) => sha256Hex(file(n)))

  it('costs half of what others gave to carry at most, which is named, and none of its own', async () => {
    for (let n = 1; n <= 10; n++) await carried.put(file(n))
    const share = carried.shareOfStick()
    const outcomes: string[] = []
    for (let n = 11; n <= 40; n++) outcomes.push(await carried.put(file(n), share))
    expect(outcomes).toEqual([...Array(5).fill('kept'), ...Array(25).fill('no_room')])
    expect(share.gaveUp).toEqual(digests(1, 2, 3, 4, 5))
    expect(carried.waiting()).toEqual(digests(6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
  })

  it('fills a store that is empty', async () => {
    const share = carried.shareOfStick()
    for (let n = 1; n <= 12; n++) await carried.put(file(n), share)
    expect(carried.waiting()).toEqual(digests(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
    expect(share.gaveUp).toEqual([])
  })

  it('gives nothing up for a file that has no room then either', async () => {
    for (let n = 1; n <= 10; n++) await carried.put(file(n))
    const share = carried.shareOfStick()
    expect(await carried.put(Buffer.alloc(6_000, 99), share)).toBe('no_room')
    expect(carried.waiting()).toHaveLength(10)
    expect(share.gaveUp).toEqual([])
  })
})
