import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, fuzz } from '../../../test/support/fuzzing.ts'
import { canonical } from './canonical.ts'
import { type Json, readJson } from './json.ts'
import { Refused } from './refusal.ts'

const read = (text: string) => readJson(Buffer.from(text))

function plain(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [name, plain(each)]))
  return Array.isArray(value) ? value.map(plain) : value
}

/** JSON as this reader takes it: whole numbers, and text that UTF-8 can hold. */
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value')),
  ),
})).value

describe('readJson()', () => {
  it('reads what JSON.parse reads, and its canonical form as the same', () => {
    fc.assert(
      fc.property(value, (given) => {
        const text = JSON.stringify(given)
        const found = read(text)
        expect(JSON.stringify(plain(found))).toBe(JSON.stringify(JSON.parse(text)))
        expect(canonical(found)).toEqual(canonical(read(JSON.stringify(given, null, 2))))
      }),
      { numRuns: cases(300, 20_000) },
    )
  })

  it('takes or refuses any bytes, and throws nothing else', () => {
    const near = fc.tuple(value, fc.nat(), fc.string()).map(([given, at, junk]) => {
      const text = JSON.stringify(given)
      const place = at % (text.length + 1)
      return Buffer.from(text.slice(0, place) + junk + text.slice(place + junk.length))
    })
    fuzz(fc.oneof(near, fc.uint8Array().map(Buffer.from)), cases(500, 50_000), (bytes) => {
      try {
        readJson(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(Refused)
        return
      }
      expect(() => JSON.parse(bytes.toString())).not.toThrow()
    })
  })

  it.each([
    ['a name that stands twice', '{"a":1,"b":2,"a":3}', 'tampering'],
    ['one that is spelled twice', '{"a":1,"\\u0061":2}', 'tampering'],
    ["a portal's page", '<!doctype html>', 'tampering'],
    ['a file that broke off', '{"a":[1,', 'tampering'],
    ['nothing', '', 'tampering'],
    ['a comma too many', '[1,]', 'tampering'],
    ['an unknown word', '[undefined]', 'tampering'],
    ['a control character in a string', '"\u0001"', 'tampering'],
    ['an unknown escape', '"\\x41"', 'tampering'],
    ['something behind its end', '{} {}', 'malformed'],
    ['a byte order mark', '\ufeff{}', 'malformed'],
    ['a fraction', '1.5', 'malformed'],
    ['a whole number that is written as a fraction', '2.0', 'malformed'],
    ['an exponent', '1e3', 'malformed'],
    ['an infinite number', '1e400', 'malformed'],
    ['a number that a double cannot hold', '9007199254740993', 'malformed'],
    ['a leading nought', '007', 'malformed'],
    ['a nought below nought', '-0', 'malformed'],
    ['half of a pair', '"\\ud800"', 'malformed'],
    ['brackets without an end', '['.repeat(100_000), 'malformed'],
    ['braces without an end', '{"a":'.repeat(100_000), 'malformed'],
    ['more values than it may have', `[${'0,'.repeat(70_000)}0]`, 'malformed'],
  ])('refuses %s', (_, text, code) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code }))
  })

  it('refuses bytes that are no UTF-8', () => {
    const bytes = Buffer.from('"\xff"', 'latin1')
    expect(() => readJson(bytes)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('has names that objects inherit as members, and only where they stand', () => {
    const found = read('{"__proto__":{"a":1},"constructor":2}') as ReadonlyMap<string, Json>
    expect([...found.keys()]).toEqual(['__proto__', 'constructor'])
    expect(found.get('toString')).toBeUndefined()
  })
})

describe('canonical()', () => {
  it.each([
    ['blanks and order', '{ "b" : [ 1 , -2 ] , "a" : null }', '{"a":null,"b":[1,-2]}'],
    ['whole numbers for names', '{"10":true,"9":false}', '{"10":true,"9":false}'],
    ['escapes', '"\\u0041\\/\\"\\\\\\n\\u00e9"', '"A/\\"\\\\\né"'],
    ['an empty object and an empty array', '[{},[]]', '[{},[]]'],
    ['names beyond U+FFFF behind all others', '{"\u{1f4e1}":1,"\uff5e":2}', '{"\uff5e":2,"\u{1f4e1}":1}'],
  ])('has one form for %s', (_, text, form) => {
    expect(canonical(read(text)).toString()).toBe(form)
  })
})
