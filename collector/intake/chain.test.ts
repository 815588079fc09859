// The chain against a model: in whatever order batches come, what is held, missing and refused is what a plain list
// would say.

import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { type BatchId, batchId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { Chain, type Link } from './chain.ts'
import { Chains } from './chains.ts'

const enrolmentDigest = 'e'.repeat(64)
const idOf = (name: string): BatchId => v.parse(batchId, sha256Hex(Buffer.from(name)))
const honest = (seq: number): Link => ({
  seq,
  id: idOf(`batch ${seq}`),
  prev: seq === 0 ? enrolmentDigest : idOf(`batch ${seq - 1}`),
})

function chainOf(...seqs: number[]): Chain {
  const chain = new Chain(enrolmentDigest)
  for (const seq of seqs) chain.add(honest(seq))
  return chain
}

describe('Chain', () => {
  it('takes an honest chain in any order, and says at each step what is missing', () => {
    const orders = fc.shuffledSubarray(Array.from({ length: 40 }, (_, seq) => seq))
    fc.assert(
      fc.property(orders, (seqs) => {
        const chain = new Chain(enrolmentDigest)
        const held = new Set<number>()
        for (const seq of seqs) {
          expect(chain.judge(honest(seq))).toEqual({ kind: 'fits' })
          chain.add(honest(seq))
          held.add(seq)
          expect(chain.judge(honest(seq))).toEqual({ kind: 'held' })
          expect(chain.judge({ ...honest(seq), id: idOf('rival') })).toMatchObject({ kind: 'conflict' })
        }
        const missing = chain
          .missing(100)
          .flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i))
        const highest = Math.max(-1, ...held)
        expect(missing).toEqual(
          Array.from({ length: highest + 1 }, (_, seq) => seq).filter((seq) => !held.has(seq)),
        )
        expect(chain.contiguous).toBe(held.has(0) ? (missing[0] ?? highest + 1) - 1 : null)
      }),
    )
  })

  const wrong = idOf('wrong')
  it.each([
    ['a seq 0 that does not follow the enrolment', chainOf(), { ...honest(0), prev: wrong }, 'broken'],
    ['a seq that does not follow the one held', chainOf(0, 1), { ...honest(2), prev: wrong }, 'broken'],
    ['a seq that the one held does not follow', chainOf(2), { ...honest(1), id: wrong }, 'broken'],
    ['a gap that is filled with another batch', chainOf(0, 2), { ...honest(1), id: wrong }, 'broken'],
    ['a gap that is filled from elsewhere', chainOf(0, 2), { ...honest(1), prev: wrong }, 'broken'],
    ['a second seq 0', chainOf(0, 1), { ...honest(0), id: wrong }, 'conflict'],
    ['a second content inside a run', chainOf(3, 4, 5), { ...honest(4), id: wrong }, 'conflict'],
    ['a seq after a gap, whatever it follows', chainOf(0), { ...honest(7), prev: wrong }, 'fits'],
    ['a seq before a gap, whatever comes after', chainOf(7), { ...honest(5), id: wrong }, 'fits'],
  ] as const)('judges %s', (_, chain, link, kind) => {
    expect(chain.judge(link)).toMatchObject({ kind })
  })

  it('names at most as many gaps as asked for, the first ones', () => {
    expect(chainOf(1, 3, 5, 7).missing(2)).toEqual([
      [0, 0],
      [2, 2],
    ])
  })

  it('refuses to add what does not fit', () => {
    expect(() => chainOf(0).add({ ...honest(1), prev: wrong })).toThrow('it is broken')
  })
})

describe('Chains.of()', () => {
  const device = 'd'.repeat(32) as Parameters<typeof Chains.of>[0][number]['device']
  const place = (link: Link) => ({ ...link, device, epoch: '0'.repeat(18) })

  it('links what is held in any order', () => {
    const { chains, contradictions } = Chains.of(
      [2, 0, 1].map((seq) => place(honest(seq))),
      () => enrolmentDigest,
    )
    expect(contradictions).toEqual([])
    expect(chains.get(place(honest(0)))?.contiguous).toBe(2)
  })

  it('reports what contradicts itself, and passes over probes that are not enrolled', () => {
    const rival = place({ ...honest(0), id: idOf('rival') })
    expect(Chains.of([place(honest(0)), rival], () => enrolmentDigest).contradictions).toHaveLength(1)
    expect(Chains.of([rival], () => null)).toMatchObject({ contradictions: [] })
  })
})
