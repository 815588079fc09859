import { describe, expect, it } from 'vitest'
import { scrubBytes, scrubText } from './scrub-text.ts'

describe('scrubBytes()', () => {
  it('takes addresses out of text between bytes that are none', () => {
    const bytes = Buffer.concat([
      Buffer.from([0, 0xff]),
      Buffer.from('from 203.0.113.7!'),
      Buffer.from([0xfe]),
    ])
    const scrubbed = scrubBytes(bytes)
    expect(scrubbed.subarray(0, 2)).toEqual(Buffer.from([0, 0xff]))
    expect(scrubbed.toString('latin1', 2, 19)).toBe('from [scrubbed]!\u00fe')
  })

  it('leaves all other bytes as they are', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    expect(scrubBytes(bytes)).toEqual(bytes)
  })
})

it.each(['0177.0.0.1', '0300.0250.01.01', '0xc0.0xa8.0x1.0x01', '0xC0.168.0250.1', '0300%2e0250.1.2'])(
  'scrubText() finds %s, as C libraries read it',
  (text) => expect(scrubText(`at ${text}!`)).toBe('at [scrubbed]!'),
)

it('scrubText() leaves names alone, whatever they look like', () => {
  for (const text of ['e1.whatsapp.net', '1.2.3', '12:30:45', '0400.1.2.3', '0x1c0.1.2.3'])
    expect(scrubText(text)).toBe(text)
})
