// The log in words: on a phone and on a wide screen, with and without colours, whatever strangers have written in it.

import { describe, expect, it } from 'vitest'
import { hidden, hostileWords } from '../../test/support/hostile-words.ts'
import { textWidth } from '../../tests-spec/command-line/text-width.ts'
import type { LogLine } from '../platform/log-lines.ts'
import { dayText, logText } from './log-text.ts'
import { sinceMs } from './logs-command.ts'

const line: LogLine = {
  timeMs: Date.parse('2026-11-28T03:15:07.412Z'),
  level: 'warn',
  code: 'S4101',
  message: 'Upload put off; it is tried again by itself',
  fields: { reason: 'ETIMEDOUT', https: '0/3 ETIMEDOUT' },
}
const plain = (columns: number) => ({ columns, colour: false })

it('is one line where it fits, and stands below the head on a phone', () => {
  expect(logText(line, plain(120))).toBe(
    '03:15:07 warn  S4101 Upload put off; it is tried again by itself  reason=ETIMEDOUT https=0/3 ETIMEDOUT\n',
  )
  expect(logText(line, plain(40))).toBe(
    [
      '03:15:07 warn  S4101',
      '  Upload put off; it is tried again by',
      '  itself',
      '  reason=ETIMEDOUT https=0/3 ETIMEDOUT',
      '',
    ].join('\n'),
  )
})

const long: LogLine = {
  ...line,
  message: 'words '.repeat(60).trim(),
  fields: { far: 'x'.repeat(400), 字: '字'.repeat(90) },
}

it.each([40, 80, 120])('is never wider than %i columns, whatever stands in it', (columns) => {
  for (const text of [logText(line, plain(columns)), logText(long, plain(columns))]) {
    const widths = text.split('\n').map(textWidth)
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns)
  }
})

describe.each(hostileWords)('with %s in it', (_, words) => {
  it('obeys nothing', () => {
    const hostile = {
      ...line,
      code: words,
      level: words,
      message: words,
      fields: { [words]: words, deep: { [words]: [words] } },
    }
    expect(logText(hostile, plain(60)).replaceAll('\n', '')).not.toMatch(hidden)
  })
})

it('has colours where they are wanted, and the same words', () => {
  const coloured = logText(line, { columns: 120, colour: true })
  expect(coloured).toContain('\u001b[33mwarn')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them.
  expect(coloured.replace(/\u001b\[\d*m/g, '')).toBe(logText(line, plain(120)))
})

it('names a day once', () => {
  const next = { ...line, timeMs: line.timeMs + 86_400_000 }
  expect(dayText(line, null, plain(80))).toBe('2026-11-28 UTC\n')
  expect(dayText(line, line, plain(80))).toBe('')
  expect(dayText(next, line, plain(80))).toBe('2026-11-29 UTC\n')
})

it('sinceMs() reads lengths and times, and nothing else', () => {
  const now = Date.parse('2026-11-28T06:00:00Z')
  const at = (text: string) => {
    const ms = sinceMs(text, now)
    return ms === null ? null : new Date(ms).toISOString()
  }
  expect(['6h', '30m', '2d', '90s'].map(at)).toEqual([
    '2026-11-28T00:00:00.000Z',
    '2026-11-28T05:30:00.000Z',
    '2026-11-26T06:00:00.000Z',
    '2026-11-28T05:58:30.000Z',
  ])
  expect(at('2026-11-27')).toBe('2026-11-27T00:00:00.000Z')
  expect(at('2026-11-27T10:00')).toBe('2026-11-27T10:00:00.000Z')
  expect(at('2026-11-27T10:00:00+01:00')).toBe('2026-11-27T09:00:00.000Z')
  expect(['', '6', 'h', '6 h', '2026-13-01', '2026-11-27T25:00', 'yesterday', '-6h'].map(at)).toEqual(
    Array(8).fill(null),
  )
})
