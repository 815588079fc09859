// Bech32: BIP 173's own vectors, and texts that must be refused.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBech32, encodeBech32 } from './bech32.ts'

describe('decodeBech32()', () => {
  it.each([
    ['an', 'an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs'],
    ['upper case', 'A12UEL5L'],
    ['every letter', 'abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw'],
    ['a one in the prefix', '?1ezyfcl'],
  ])('takes what BIP 173 calls valid: %s', (_, text) => {
    const prefix = text.toLowerCase().slice(0, text.lastIndexOf('1'))
    expect(decodeBech32(prefix, text)).not.toBeNull()
  })

  it.each([
    ['a wrong checksum', 'A1G7SGD8', 'a'],
    ['a checksum that is too short', 'li1dgmt3', 'li'],
    ['a letter that is no digit', 'y1b0jsk6g', 'y'],
    ['mixed case', 'a12UEL5L', 'a'],
    ['no separator', 'pzry9x0s0muk', ''],
    ['another prefix', 'a12uel5l', 'b'],
    ['nothing', '', ''],
  ])('refuses %s', (_, text, prefix) => {
    expect(decodeBech32(prefix, text)).toBeNull()
  })

  it('refuses bits left over: one key has one spelling', () => {
    expect(decodeBech32('x', encodeBech32('x', Uint8Array.of(0)))).toEqual(Buffer.of(0))
    // A zero byte with a padding bit set, and one with a letter too many; their checksums are right.
    expect(decodeBech32('x', 'x1qpxqa3vz')).toBeNull()
    expect(decodeBech32('x', 'x1qqqn0an5s')).toBeNull()
  })

  it('gives back what encodeBech32() wrote, and notices any letter that is another', () => {
    const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(), fc.nat(), (bytes, at, letter) => {
        const text = encodeBech32('age', bytes)
        expect(decodeBech32('age', text)).toEqual(Buffer.from(bytes))
        const place = 4 + (at % (text.length - 4))
        const wrong = text.slice(0, place) + letters[letter % 32] + text.slice(place + 1)
        if (wrong !== text) expect(decodeBech32('age', wrong)).toBeNull()
      }),
    )
  })
})
