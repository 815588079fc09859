import { expect, it } from 'vitest'
import { turns } from './turns.ts'

const never = () => new AbortController().signal

/** Whether `promise` has settled once everything that was ready has run. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return done
}

it('turns() lets no more than so many begin, and the next when one ends', async () => {
  const two = turns(2)
  const first = await two.take(never())
  await two.take(never())
  const third = two.take(never())
  const fourth = two.take(never())
  expect(await settled(third)).toBe(false)
  first?.()
  expect(await settled(third)).toBe(true)
  expect(await settled(fourth)).toBe(false)
  // A second call gives nothing back.
  first?.()
  expect(await settled(fourth)).toBe(false)
  ;(await third)?.()
  expect(await settled(fourth)).toBe(true)
})

it('turns() lets who was stopped leave the queue, and gives the turn to the one behind', async () => {
  const one = turns(1)
  const first = await one.take(never())
  const stop = new AbortController()
  const stopped = one.take(stop.signal)
  const last = one.take(never())
  stop.abort()
  expect(await stopped).toBeNull()
  first?.()
  expect(await last).toBeTypeOf('function')
  expect(await one.take(AbortSignal.abort())).toBeNull()
})
