// What strangers write to whoever reads their words.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, fuzzTimeoutMs, manyInputs } from '../../test/support/fuzzing.ts'
import { hidden, hostileWords } from '../../test/support/hostile-words.ts'
import { safeLines, safeText, seenText } from './safe-text.ts'

describe('safeText()', () => {
  it.each(hostileWords)('takes %s out, and leaves what can be seen', (_, text) => {
    expect(safeText(text, 200)).not.toMatch(hidden)
    expect(seenText(text, 200)).not.toMatch(hidden)
    expect(safeText(text, 200)).not.toBe(text)
  })

  it.each(['https://example.org/?q=1', 'قناة الجزيرة', 'Ünïcödé', '日本語', '👩', 'a b', '¿qué?'])(
    'leaves %s',
    (text) => {
      expect(safeText(text, 200)).toBe(text)
    },
  )

  it(
    'is never long, whatever it is given',
    () => {
      fc.assert(
        fc.property(
          fc.string({ unit: 'binary', maxLength: 400 }),
          fc.integer({ min: 1, max: 80 }),
          (text, most) => {
            // An escape has twelve characters at most.
            expect(safeText(text, most).length).toBeLessThanOrEqual(12 * (most + 1))
            expect(safeText(text, most)).not.toMatch(hidden)
          },
        ),
        { numRuns: cases(500, manyInputs) },
      )
      expect(safeText('x'.repeat(60_000), 80)).toBe(`${'x'.repeat(80)}…`)
    },
    fuzzTimeoutMs,
  )

  it.each(hostileWords)('of JSON with %s leaves the meaning', (_, text) => {
    const json = `${JSON.stringify({ text }, null, 2)}\n`
    expect(safeLines(json).replaceAll('\n', '')).not.toMatch(hidden)
    expect(JSON.parse(safeLines(json))).toEqual({ text })
  })

  it('of lines leaves the lines', () => {
    expect(safeLines('a\tb\nc\u001b[0m\r\n')).toBe('a\tb\nc\\u001b[0m\\u000d\n')
  })
})
