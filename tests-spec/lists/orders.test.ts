// Orders are read whole or not at all, and numbered by whoever writes them.

import { expect, it } from 'vitest'
import {
  type Order,
  orderWords,
  readAnswers,
  readOrders,
  scopesOf,
  withOrder,
  writeOrders,
} from './orders.ts'

const first: Order = { n: 1, until: '2026-12-01T06:00:00Z', do: 'upload_logs' }

it('come back as they were written, words of the future among them', () => {
  const all = [first, { n: 4, until: '2026-12-02T06:00:00Z', do: 'sing', hours: 2, later: true }]
  expect(readOrders(writeOrders(all))).toEqual(all)
})

it.each([
  ['no JSON', '<html>'],
  ['another version', { v: 2, orders: [] }],
  ['a number twice', { v: 1, orders: [first, first] }],
  ['numbers that fall', { v: 1, orders: [{ ...first, n: 2 }, first] }],
  ['no number', { v: 1, orders: [{ ...first, n: 0 }] }],
  ['no end', { v: 1, orders: [{ n: 1, do: 'cycle' }] }],
  ['an end that is no date', { v: 1, orders: [{ ...first, until: '2026-13-41T06:00:00Z' }] }],
  ['a word with something to run', { v: 1, orders: [{ ...first, do: 'sh -c id' }] }],
  ['too many', { v: 1, orders: Array.from({ length: 17 }, (_, n) => ({ ...first, n: n + 1 })) }],
])('of %s are none', (_, content) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  expect(readOrders(Buffer.from(text))).toBeNull()
})

it('withOrder() goes on counting when the oldest make room', () => {
  let all: Order[] = []
  for (let i = 0; i < 20; i++) all = withOrder(all, { until: first.until, do: 'cycle' })
  expect([all.length, all[0]?.n, all.at(-1)?.n]).toEqual([16, 5, 20])
  expect(readOrders(writeOrders(all))).toEqual(all)
})

it('scopesOf() names the device before its groups and all', () => {
  expect(scopesOf('ab', ['bamako', 'bamako'])).toEqual(['ab', 'group-bamako', 'all'])
})

it('readAnswers() passes over what is none', () => {
  const good = { scope: 'all', n: 1, do: 'cycle', outcome: 'done' }
  expect(readAnswers([good, { ...good, outcome: '\u001b[31m' }, 7])).toEqual([good])
  expect(readAnswers('all')).toEqual([])
})

it('has no word yet that operators alone must not give', () => {
  expect(Object.values(orderWords).map(({ by }) => by)).toEqual(Array(4).fill('operators'))
})
