// What strangers write to whoever reads their words.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases } from '../../test/support/fuzzing.ts'
import { safeLines, safeText, seenText } from './safe-text.ts'

/** Each of these has done something to a terminal, a log or a page that was not meant. */
const hostileWords: readonly [what: string, text: string][] = [
  ['colours', '\u001b[31mred\u001b[0m'],
  ['a window title', '\u001b]0;owned\u0007'],
  ['the clipboard', '\u001b]52;c;cm0gLXJm\u0007'],
  ['an escape of eight bits', '\u009b31mred'],
  ['another line', 'file\n{"level":"error","code":"all_is_well"}'],
  ['a line over this one', 'good\rbad '],
  ['letters that are taken back', 'bad\b\b\bgood'],
  ['another direction', 'abc\u202egpj.exe'],
  ['directions in isolation', 'abc\u2066def\u2069'],
  ['letters that nobody sees', 'pay\u200bpal\u00ad.com\u2060'],
  ['fillers', 'a\u3164b\uffa0c\u115fd\u2800e'],
  ['variation selectors', 'a\ufe0fb\u{e0100}c'],
  ['tags', 'a\u{e0041}\u{e0042}'],
  ['a mark of byte order', '\ufeffabc'],
  ['line separators', 'a\u2028b\u2029c\u0085d'],
  ['half a character', 'a\ud800b'],
  ['nothing', 'a\u0000b'],
]

const hidden =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]|\u034f|[\u17b4\u17b5]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/u

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

  it('is never long, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.integer({ min: 1, max: 80 }),
        (text, most) => {
          // An escape has ten characters at most.
          expect(safeText(text, most).length).toBeLessThanOrEqual(10 * (most + 1))
          expect(safeText(text, most)).not.toMatch(hidden)
        },
      ),
      { numRuns: cases(500, 20_000) },
    )
    expect(safeText('x'.repeat(60_000), 80)).toBe(`${'x'.repeat(80)}…`)
  })

  it('of lines leaves the lines', () => {
    expect(safeLines('a\tb\nc\u001b[0m\r\n')).toBe('a\tb\nc\\u001b[0m\\u000d\n')
  })
})
