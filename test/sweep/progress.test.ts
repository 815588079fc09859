import { expect, it } from 'vitest'
import { Progress } from './progress.ts'

it('says what is done, of how many, and after how long', () => {
  const said: string[] = []
  let nowMs = 500
  const progress = new Progress(
    (line) => said.push(line),
    () => nowMs,
  )
  progress.add(1)
  progress.add(2)
  nowMs += 90_000
  progress.note('a line')
  progress.note('another')
  expect(progress.seconds()).toBe(90)
  expect(said).toEqual(['1 of 3 after 1.5 min: a line', '2 of 3 after 1.5 min: another'])
})
