// Orders are carried out once, in time, by who may give them; whatever the power, the disk and the clock do.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Order } from '../../tests-spec/lists/orders.ts'
import { type Given, OrderBook } from './order-book.ts'

const now = Date.parse('2026-11-28T06:00:00Z')
const hour = 3_600_000
const later = '2026-12-01T06:00:00Z'
const order = (n: number, word: string, further: Partial<Order> = {}): Order => ({
  n,
  until: later,
  do: word,
  ...further,
})
const given = (orders: readonly Order[], role = 'operators', scope = 'all'): Given => ({
  scope,
  role,
  orders,
})
const fresh = () => join(mkdtempSync(join(tmpdir(), 'sonde-orders-')), 'orders.json')
const outcomes = (answers: readonly { n: number; outcome: string }[]) =>
  answers.map(({ n, outcome }) => `${n} ${outcome}`)

it('carries out what is new, once, and says so until a batch has said it', async () => {
  const path = fresh()
  const book = await OrderBook.open(path)
  const all = given([order(1, 'upload_logs'), order(2, 'log_level', { hours: 6 }), order(3, 'cycle')])
  expect(outcomes(await book.obey([all], now))).toEqual(['1 done', '2 done', '3 done'])
  expect(book.debugUntilMs).toBe(now + 6 * hour)
  expect([book.takeCycle(), book.takeCycle()]).toEqual([true, false])
  expect(await book.obey([all], now)).toEqual([])

  // A power cut: what is on the disk is all there is.
  const again = await OrderBook.open(path)
  expect(await again.obey([all], now)).toEqual([])
  expect(again.takeCycle()).toBe(false)
  const { owed } = again
  expect([owed.log, owed.answers.length]).toEqual([true, 3])
  // What comes while a batch is sealed is not taken for said.
  await again.obey([given([...all.orders, order(4, 'sing')])], now)
  await again.answered(owed)
  expect((await OrderBook.open(path)).owed).toEqual({
    answers: [{ scope: 'all', n: 4, do: 'sing', outcome: 'unknown' }],
    log: false,
  })
})

it.each([
  ['too late', order(1, 'cycle', { until: '2026-11-28T06:00:00Z' }), 'operators', 'expired'],
  ['of no known word', order(1, 'retire'), 'targets', 'unknown'],
  ["of an object's own words", order(1, 'constructor'), 'targets', 'unknown'],
  ['of a group', order(1, 'cycle'), 'bamako', 'not_allowed'],
  ['of two of three keys', order(1, 'cycle'), 'targets', 'done'],
])('an order %s is answered as it should be', async (_, one, role, outcome) => {
  const book = await OrderBook.open(fresh())
  expect(outcomes(await book.obey([given([one], role)], now))).toEqual([`1 ${outcome}`])
  expect(book.takeCycle()).toBe(outcome === 'done')
})

it('keeps to its own limits: no second cycle within an hour, no more than two days of the whole log', async () => {
  const book = await OrderBook.open(fresh())
  const all = [order(1, 'cycle'), order(2, 'cycle'), order(3, 'log_level', { hours: 8_000 })]
  expect(outcomes(await book.obey([given(all)], now))).toEqual(['1 done', '2 too_soon', '3 done'])
  expect(book.debugUntilMs).toBe(now + 48 * hour)
  expect(outcomes(await book.obey([given([...all, order(4, 'cycle')])], now + hour))).toEqual(['4 done'])
})

it('orders a pause once, and none longer than a week', async () => {
  const path = fresh()
  const book = await OrderBook.open(path)
  const all = given([order(1, 'pause', { hours: 6 }), order(2, 'pause', { hours: 500 })])
  await book.obey([all], now)
  expect([book.takePause(), book.takePause()]).toEqual([now + 168 * hour, null])
  const again = await OrderBook.open(path)
  await again.obey([all], now)
  expect(again.takePause()).toBeNull()
})

it('counts for each scope by itself', async () => {
  const book = await OrderBook.open(fresh())
  const here = given([order(9, 'upload_logs')], 'operators', 'group-bamako')
  expect(outcomes(await book.obey([here, given([order(1, 'upload_logs')])], now))).toEqual([
    '9 done',
    '1 done',
  ])
})

it('does nothing while the time is not certain, and all of it later', async () => {
  const book = await OrderBook.open(fresh())
  expect(await book.obey([given([order(1, 'cycle')])], null)).toEqual([])
  expect(outcomes(await book.obey([given([order(1, 'cycle')])], now))).toEqual(['1 done'])
})

it.each(['', '{"v":1', '{"v":1,"last":{"all":1},"sha256":"0"}'])(
  'carries out nothing of what is there when "%s" is all it knows, and everything that comes later',
  async (torn) => {
    const path = fresh()
    writeFileSync(path, torn)
    const book = await OrderBook.open(path)
    const first = [order(1, 'cycle'), order(2, 'upload_logs')]
    expect(outcomes(await book.obey([given(first)], now))).toEqual(['1 state_lost', '2 state_lost'])
    expect([book.takeCycle(), book.owed.log]).toEqual([false, false])
    expect(outcomes(await book.obey([given([...first, order(3, 'cycle')])], now))).toEqual(['3 done'])
  },
)

it('carries out nothing that it cannot write down first', async () => {
  const path = fresh()
  const book = await OrderBook.open(path)
  rmSync(join(path, '..'), { recursive: true })
  await expect(book.obey([given([order(1, 'cycle')])], now)).rejects.toThrow()
  expect([book.takeCycle(), book.owed.answers.length]).toEqual([false, 0])
})
