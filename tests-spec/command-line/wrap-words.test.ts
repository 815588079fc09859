import { expect, it } from 'vitest'
import { wrapWords } from './wrap-words.ts'

it.each([
  ['fits', 40, 'fits'],
  ['Nothing here is called blocked.', 16, 'Nothing here is\ncalled blocked.'],
  ['one two\nthree four', 9, 'one two\nthree\nfour'],
  ['since 2018-07-29T17:43:00.000Z: none', 10, 'since\n2018-07-29T17:43:00.000Z:\nnone'],
  ['', 10, ''],
])('wrapWords() makes of %j in %i columns %j', (text, columns, expected) => {
  expect(wrapWords(text, columns)).toBe(expected)
})
