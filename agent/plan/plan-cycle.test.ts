// The plan of a cycle: everything once, in an order of its own.

import { expect, it } from 'vitest'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { planCycle } from './plan-cycle.ts'

const list = parseTestList(core)

it('planCycle() plans every entry of the list exactly once', () => {
  const tasks = planCycle(list, 'seed')
  const names = tasks.map((task) => `${task.nettest} ${task.input}`).sort()
  expect(names).toEqual(list.entries.map((entry) => `${entry.nettest} ${entry.input}`).sort())
})

it('planCycle() gives the same plan for the same seed and another order for another', () => {
  expect(planCycle(list, 'a')).toEqual(planCycle(list, 'a'))
  expect(planCycle(list, 'a')).not.toEqual(planCycle(list, 'b'))
})

it('planCycle() asks every resolver of the list sooner or later', () => {
  const asked = new Set(
    Array.from({ length: 5 }, (_, n) => planCycle(list, `${n}`).map((task) => task.resolver)).flat(),
  )
  expect(asked.size).toBe(list.resolvers.length)
})

it('planCycle() plans no resolver when the list names none', () => {
  expect(planCycle({ ...list, resolvers: [] }, 'seed').every((task) => task.resolver === null)).toBe(true)
})

it('planCycle() hands on the options of an entry, and none where it has none', () => {
  const entry = { nettest: 'quicping', input: 'news.example', category_code: 'NEWS' }
  const options = { port: 8443, repetitions: 1 }
  const planned = planCycle(parseTestList({ ...core, entries: [entry, { ...entry, options }] }), 'seed')
  expect(planned.filter((task) => 'options' in task)).toMatchObject([{ options }])
  expect(planned).toHaveLength(2)
})
