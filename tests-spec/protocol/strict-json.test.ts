// JSON that two readers could take for two things is read by nobody here.

import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases } from '../../test/support/fuzzing.ts'
import { publicKeyFrom } from './dsse.ts'
import { parseStrictJson } from './strict-json.ts'

describe('parseStrictJson()', () => {
  it('reads what JSON.parse reads, and what it wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        if (text.includes('"__proto__"')) return
        expect(parseStrictJson(Buffer.from(text))).toEqual(JSON.parse(text))
      }),
      { numRuns: cases(500, 20_000) },
    )
  })

  it.each([
    ['a name that stands twice', '{"a":1,"b":2,"a":3}'],
    ['one that is spelled twice', '{"a":1,"\\u0061":2}'],
    ['one deep inside', '[{"a":[{"b":1,"c":{},"b":1}]}]'],
    ['one with blanks in between', `{"a"${' '.repeat(200)}:1,"a"\n\t:2}`],
    ['__proto__', '{"__proto__":{"v":1}}'],
    ['__proto__, spelled', '{"\\u005f_proto__":{"v":1}}'],
    ['a byte order mark', '\ufeff{}'],
    ['brackets without an end', '['.repeat(100_000)],
    ['what is no JSON', '{"a":1,}'],
  ])('refuses %s', (_, text) => {
    expect(() => parseStrictJson(Buffer.from(text))).toThrow(SyntaxError)
  })

  it('refuses bytes that are no UTF-8', () => {
    expect(() => parseStrictJson(Buffer.from('"\xff"', 'latin1'))).toThrow(SyntaxError)
  })

  it.each([
    ['the same name in two objects', '[{"a":1},{"a":{"a":2}}]'],
    ['a name that is a value as well', '{"a":"a","b":"b"}'],
    ['marks and braces in texts', '{"a\\"{":"}\\\\","b":"{\\"a\\":1,\\"a\\":2}"}'],
  ])('reads %s', (_, text) => {
    expect(parseStrictJson(Buffer.from(text))).toEqual(JSON.parse(text))
  })
})

describe('publicKeyFrom()', () => {
  const spkiOf = (point: string) => Buffer.from(`302a300506032b6570032100${point}`, 'hex').toString('base64')
  const ones = 'ff'.repeat(30)

  it.each([
    ['order one', `01${'00'.repeat(31)}`],
    ['order two', `ec${ones}7f`],
    ['order four', '00'.repeat(32)],
    ['order four, of the other sign', `${'00'.repeat(31)}80`],
    ['order eight', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order eight, of the other sign', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
    ['order eight, the other', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    [
      'order eight, the other of the other sign',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    ],
    ['order one, written otherwise', `ee${ones}7f`],
    ['order four, written otherwise', `ed${ones}ff`],
    ['order one, of a sign that it has not', `01${'00'.repeat(30)}80`],
  ])('refuses the point of %s', (_, point) => {
    expect(() => publicKeyFrom(spkiOf(point))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('takes every key that was made', () => {
    for (let n = 0; n < 50; n++) {
      const { publicKey } = generateKeyPairSync('ed25519')
      const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
      expect(publicKeyFrom(spki).equals(publicKey)).toBe(true)
    }
  })
})
