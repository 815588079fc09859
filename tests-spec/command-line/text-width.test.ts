// Columns, not letters: for scripts that take two, and marks that take none.

import { expect, it } from 'vitest'
import { clippedEnd, clippedStart, paddedEnd, textWidth } from './text-width.ts'

it.each([
  ['', 0],
  ['https://a.example/', 18],
  ['é ⵣ Ж ع', 7],
  ['e\u0301', 1],
  ['網站', 4],
  ['한국어', 6],
  ['カナ ｶﾅ', 7],
  ['✓ × …', 5],
  ['😀🚀', 4],
])('textWidth("%s") is %i', (text, width) => {
  expect(textWidth(text)).toBe(width)
})

it('padding and clipping count columns, and cut no character', () => {
  expect(paddedEnd('網站', 6)).toBe('網站  ')
  expect(paddedEnd('網站', 3)).toBe('網站')
  expect([clippedEnd('網站網', 3), clippedStart('網站a', 4)]).toEqual(['網', '站a'])
})
