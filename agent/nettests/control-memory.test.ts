// Which controls are taken for dead in themselves, and what is asked in their place.

import { describe, expect, it } from 'vitest'
import type { ControlResult } from '../../tests-spec/nettests/link-check.ts'
import { type ControlMemory, chosen, isWorthAsking, noted, remember, withMemory } from './control-memory.ts'

const hour = 3_600_000
const url = (index: number) => `http://control-${index}.example/`
/** One result for each: `.` ok, `x` failed, `l` this machine could not ask. */
const results = (text: string): ControlResult[] =>
  [...text].map((each, index) => ({
    url: url(index),
    role: 'neutral',
    result: each === '.' ? 'ok' : each === 'x' ? 'failed' : 'local_failure',
    transaction_id: index,
  }))
const afterChecks = (...checks: readonly string[]): ControlMemory =>
  checks.reduce<ControlMemory>((memory, check) => remember(results(check), memory), {})
const list = (clear: number, secure: number) => [
  ...Array.from({ length: clear }, (_, index) => ({ url: url(index) })),
  ...Array.from({ length: secure }, (_, index) => ({ url: `https://secure-${index}.example/` })),
]

describe('remember()', () => {
  it.each([
    ['one alone, three times on end', ['x...', 'x...', 'x...'], { failed: 3, alone: 3 }],
    ['one alone, and then with another', ['x...', 'xx..', 'x...'], { failed: 3, alone: 2 }],
    ['one of two, which may as well be the other that is odd', ['x.', 'x.'], { failed: 2, alone: 0 }],
    ['with all others', ['xxxx', 'xxxx'], { failed: 2, alone: 0 }],
    ['one that came back begins anew', ['x...', 'x...', '....', 'x...'], { failed: 1, alone: 1 }],
    ['one beside another that this machine could not ask', ['x..l', 'x..l'], { failed: 2, alone: 2 }],
  ])('%s', (_name, checks, expected) => {
    expect(afterChecks(...checks)[url(0)]).toEqual(expected)
  })

  it('does not hold one that fails outside too against another', () => {
    const memory = noted(afterChecks('xx..'), url(1), 'fails_too', 0)
    expect(remember(results('xx..'), memory)[url(0)]).toEqual({ failed: 2, alone: 1 })
  })

  it('forgets what is well again', () => {
    expect(afterChecks('xx..', '....')).toEqual({})
  })
})

describe('isWorthAsking()', () => {
  const worth = (check: string, memory: ControlMemory, nowMs = 0) => {
    const all = results(check)
    return all.map((each) => isWorthAsking(each, all, memory, nowMs))
  }
  it('at the second failure on end, or beside another, while others answer, and once an hour', () => {
    expect(worth('x...', {})).toEqual([false, false, false, false])
    expect(worth('x...', afterChecks('x...'))).toEqual([true, false, false, false])
    expect(worth('xx..', {})).toEqual([true, true, false, false])
    expect(worth('xxxx', afterChecks('xxxx'))).toEqual([false, false, false, false])
    const told = noted(afterChecks('x...'), url(0), 'fails_too', 0)
    expect(worth('x...', told, hour - 1)[0]).toBe(false)
    expect(worth('x...', told, hour)[0]).toBe(true)
    expect(worth('x...', noted(afterChecks('x...'), url(0), 'no_answer', 0), hour - 1)[0]).toBe(false)
  })
})

describe('withMemory()', () => {
  it('says of those that failed what is known, for as long as it holds', () => {
    const known = noted(afterChecks('x...'), url(0), 'fails_too', 0)
    const of = (nowMs: number) => withMemory(results('x...'), known, nowMs)[0]
    expect(of(1)).toMatchObject({ failed_alone: 2, outside: 'fails_too' })
    expect(of(hour)).not.toHaveProperty('outside')
    const silent = noted(afterChecks('x...'), url(0), 'no_answer', 0)
    expect(withMemory(results('x...'), silent, 1)[0]).not.toHaveProperty('outside')
    expect(withMemory(results('....'), known, 1)).toEqual(results('....'))
  })
})

describe('chosen()', () => {
  it('asks four in clear text and two over TLS; the rest are reserves', () => {
    expect(chosen(list(7, 3), {}, 0)).toEqual([...list(4, 0), ...list(0, 2)])
    expect(chosen(list(2, 0), {}, 0)).toEqual(list(2, 0))
  })

  it('takes a reserve for each that is dead, and asks the dead all the same', () => {
    const memory = noted(afterChecks('x......', 'x......'), url(2), 'fails_too', 0)
    expect(chosen(list(7, 0), memory, 1)).toEqual(list(5, 0))
    expect(chosen(list(7, 0), afterChecks('x......', 'x......', 'x......'), 1)).toEqual(list(5, 0))
    expect(chosen(list(7, 0), memory, hour)).toEqual(list(4, 0))
  })

  it('asks what there is when all are dead', () => {
    const memory = [0, 1].reduce<ControlMemory>((so, index) => noted(so, url(index), 'fails_too', 0), {})
    expect(chosen(list(2, 0), memory, 1)).toEqual(list(2, 0))
  })
})
