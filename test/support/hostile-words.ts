// What strangers write to whoever reads their words, on a terminal, in a log or on a page.

/** Each of these has done something to a terminal, a log or a page that was not meant. */
export const hostileWords: readonly [what: string, text: string][] = [
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
  ['the other half', '\udc00b'],
  ['a delete', 'bad\u007f'],
  ['an isolated override', '\u2067\u202d'],
  ['nothing', 'a\u0000b'],
]

/** What none of these may leave of it. */
export const hidden =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]|\u034f|[\u17b4\u17b5]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/u
