// Work under one key is done in order, and work under different keys is not.

import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

it('Turns.run() runs one at a time per key, in order, and goes on after a failure', async () => {
  const turns = new Turns()
  const story: string[] = []
  const work =
    (name: string, fails = false) =>
    async () => {
      story.push(`${name} begins`)
      await Promise.resolve()
      story.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const results = await Promise.allSettled([
    turns.run('a', work('1', true)),
    turns.run('a', work('2')),
    turns.run('a', work('3')),
  ])
  expect(story).toEqual(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends'])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
})

it('Turns.run() lets one key wait without holding up another', async () => {
  const turns = new Turns()
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const held = turns.run('a', () => gate)
  await expect(turns.run('b', async () => 'through')).resolves.toBe('through')
  open()
  await held
})
