// Columns give back exactly the lines that went in, whatever these were; a document that is no columns is refused,
// before it costs time or memory.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, fuzzTimeoutMs, manyInputs } from '../../test/support/fuzzing.ts'
import { ColumnsRefused, fromColumns, toColumns } from './columns.ts'

const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')
const read = (document: string, mostBytes: number) =>
  fromColumns(Buffer.from(document, 'latin1'), mostBytes).toString('latin1')
const back = (lines: readonly string[]) => read(toColumns(lines), textOf(lines).length)

/** Bytes as characters, without a newline. */
const line = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => (code === 10 ? ' ' : String.fromCharCode(code))),
})
/** Lines that are alike, as measurements are, with the numbers that are hard to preserve. */
const alike = fc.tuple(
  fc.oneof(
    fc.nat(),
    fc.double({ noNaN: true }),
    fc.constantFrom('007', '1.50', '0.0', '1e-7', '', '.', '-0'),
  ),
  fc.oneof(fc.nat(9), fc.constantFrom('9007199254740993', '0.1234567891', '=', 'a1=', ',', '\t')),
)

describe('toColumns()', () => {
  it('writes once what lines share, numbers as what they differ by, and words as they are', () => {
    const lines = ['{"n":10,"t":0.05,"at":"01:59"}', '{"n":12,"t":0.1,"at":"02:00"}', '{"n":13}']
    expect(toColumns(lines)).toBe(
      [
        '2',
        '{"n":\t,"t":\t,"at":"\t:\t"}',
        '{"n":\t}',
        '0,0,1',
        'd0:10,2',
        'd2:5,5',
        't01,02',
        't59,00',
        '=13',
        '',
      ].join('\n'),
    )
  })

  it('is undone to the byte, for lines of any kind', () => {
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(back(lines)).toBe(textOf(lines))
      }),
      { numRuns: cases(300, 20_000) },
    )
  })

  it('is undone to the byte, for lines that are alike', () => {
    fc.assert(
      fc.property(fc.array(alike, { maxLength: 40 }), (rows) => {
        const lines = rows.map(([a, b]) => `{"x":${a},"y":"${b}"}`)
        expect(back(lines)).toBe(textOf(lines))
      }),
      { numRuns: cases(500, 50_000) },
    )
  })
})

// Read by another reader, which was written from the page alone.
describe.skipIf(spawnSync('python3', ['--version']).status !== 0)('columns.py', () => {
  it('reads the same lines', () => {
    const rows = fc.sample(alike, { numRuns: cases(200, 5_000), seed: 1 })
    const lines = rows.map(([a, b], n) => `{"n":${n},"x":${a},"y":"${b}","t":${n / 8}}`)
    const document = Buffer.from(toColumns(lines), 'latin1')
    const { stdout } = spawnSync('python3', [join(import.meta.dirname, 'columns.py')], { input: document })
    expect(stdout.toString('latin1')).toBe(textOf(lines))
  })
})

describe('fromColumns()', () => {
  const good = ['1', '{"n":\t}', '0,0', 'd0:1,1', ''].join('\n')

  it.each([
    ['nothing', ''],
    ['no count', 'one\n'],
    ['a count beyond all bounds', '99999999\n'],
    ['more forms than there are', '3\na\n'],
    ['a form that is not there', '1\na\n1\n'],
    ['a negative form', '1\na\n-1\n'],
    ['a column too few', '1\n\t\n0,0\n'],
    ['a value too few', '1\n\t\n0,0\nt1\n'],
    ['a value too many', '1\n\t\n0\nt1,2\n'],
    ['an empty value, of which a bomb could be made', '1\n\t\n0,0\n=\n'],
    ['an empty value among others', '1\n\t\n0,0\nt1,\n'],
    ['a kind of column that there is not', '1\n\t\n0\nq0:1\n'],
    ['a scale that is none', '1\n\t\n0\nnx:1\n'],
    ['a number that is none', '1\n\t\n0\nn0:0x10\n'],
    ['a number beyond 2^53', '1\n\t\n0\nn0:9007199254740993\n'],
    ['a sum below zero', '1\n\t\n0,0\nd0:1,-2\n'],
    ['something behind it', `${good}more\n`],
    ['no end', good.slice(0, -1)],
  ])('refuses %s', (_, document) => {
    expect(() => read(document, 1_000)).toThrow(ColumnsRefused)
    expect(() => read(document, 1_000)).toThrow(expect.objectContaining({ code: 'not_columns' }))
  })

  it('makes no more than it may, and says so', () => {
    expect(read(good, 16)).toBe('{"n":1}\n{"n":2}\n')
    expect(() => read(good, 15)).toThrow(expect.objectContaining({ code: 'too_long' }))
    const bomb = `1\n${'x'.repeat(100_000)}\n${'0,'.repeat(8_000)}0\n`
    expect(() => read(bomb, 1_000_000)).toThrow(expect.objectContaining({ code: 'too_long' }))
  })

  it(
    'answers or refuses, whatever was changed',
    () => {
      const document = toColumns(Array.from({ length: 9 }, (_, n) => `{"n":${n},"t":${n / 8},"s":"a${n}b"}`))
      const change = fc.tuple(fc.nat(document.length), fc.nat(3), fc.string({ maxLength: 3 }))
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
          const changed = changes.reduce(
            (text, [at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone),
            document,
          )
          try {
            expect(read(changed, 10_000).length).toBeLessThanOrEqual(10_000)
          } catch (error) {
            if (!(error instanceof ColumnsRefused)) throw error
          }
        }),
        { numRuns: cases(500, manyInputs) },
      )
    },
    fuzzTimeoutMs,
  )
})
