// What an error repeats is short, and moves no cursor.

import { expect, it } from 'vitest'
import { quoted } from './quoted.ts'

it('quoted() leaves short text as it is, in any script', () => {
  expect(quoted('')).toBe('""')
  expect(quoted('Orange Mali ⵣ 網')).toBe('"Orange Mali ⵣ 網"')
  expect(quoted('x'.repeat(80))).toBe(`"${'x'.repeat(80)}"`)
})

it('quoted() cuts after 80 characters, and never through one', () => {
  expect(quoted('x'.repeat(81))).toBe(`"${'x'.repeat(80)}…"`)
  expect(quoted('😀'.repeat(50_000))).toBe(`"${'😀'.repeat(80)}…"`)
})

it('quoted() escapes what a terminal would obey', () => {
  expect(quoted('\u001b[2Ja\nb\u202e')).toBe('"\\u001b[2Ja\\u000ab\\u202e"')
})
