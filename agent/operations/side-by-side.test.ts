import { expect, it } from 'vitest'
import { sideBySide } from './side-by-side.ts'

/** Work that ends when it is told to. */
function work() {
  const ends = new Map<number, () => void>()
  const taken: number[] = []
  const take = (item: number) => {
    taken.push(item)
    return new Promise<void>((resolve) => ends.set(item, resolve))
  }
  /** Ends one, and lets what waits for it go on. */
  const end = async (item: number) => {
    ends.get(item)?.()
    await new Promise(setImmediate)
  }
  return { take, taken, end }
}

it('takes as many at once as it may, and asks again before each', async () => {
  let width = 2
  const { take, taken, end } = work()
  const all = sideBySide([1, 2, 3, 4], () => width, null, take)
  expect(taken).toEqual([1, 2])
  width = 1
  await end(1)
  expect(taken).toEqual([1, 2])
  await end(2)
  expect(taken).toEqual([1, 2, 3])
  width = 2
  await end(3)
  await end(4)
  await all
  expect(taken).toEqual([1, 2, 3, 4])
})

it('takes no more once the signal has fired, and waits for what is under way', async () => {
  const stop = new AbortController()
  const { take, taken, end } = work()
  const all = sideBySide([1, 2], () => 1, stop.signal, take)
  stop.abort()
  await end(1)
  await all
  expect(taken).toEqual([1])
})

it('throws what the work throws', async () => {
  const failing = sideBySide(
    [1],
    () => 1,
    null,
    () => Promise.reject(new Error('broken')),
  )
  await expect(failing).rejects.toThrow('broken')
})
