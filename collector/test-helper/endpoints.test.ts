import { describe, expect, it } from 'vitest'
import { checkPublic } from './destination.ts'
import { candidatesOf, endpointsOf, speaksTls } from './endpoints.ts'

// These addresses are public as numbers; nothing is sent to them.
const [one, two, three] = ['9.0.0.1', '9.0.0.2', '9.0.0.3']
const check = checkPublic(() => [])

function tried(url: string, probe: readonly string[], helper: readonly string[]): string[] {
  return endpointsOf(new URL(url), candidatesOf(probe, helper, check)).map(
    ({ name, port }) => `${name} ${port}`,
  )
}

describe('candidatesOf()', () => {
  it('tells who found an address, and which are bogons', () => {
    const found = candidatesOf([`${one}:443`, `${two}:443`, '127.0.0.1:443'], [two, three, '10.0.0.1'], check)
    expect(found).toEqual([
      { name: one, address: one, flags: 1 },
      { name: two, address: two, flags: 3 },
      { name: '127.0.0.1', address: null, flags: 5 },
      { name: three, address: three, flags: 2 },
      { name: '10.0.0.1', address: null, flags: 6 },
    ])
  })

  it('takes an address once, whatever port and spelling, and keeps the spelling of the probe', () => {
    const found = candidatesOf(['[2620:2:0:0::7]:443', '[2620:2::7]:80'], ['2620:2::7'], check)
    expect(found).toEqual([{ name: '2620:2:0:0::7', address: '2620:2::7', flags: 3 }])
  })
})

describe('endpointsOf()', () => {
  it.each([
    ['https on 443', 'https://a.test/', [`${one} 443`]],
    ['http on 80 and 443', 'http://a.test/', [`${one} 80`, `${one} 443`]],
    ['https on the port it names', 'https://a.test:8443/', [`${one} 8443`]],
    ['http on the port it names alone', 'http://a.test:8080/', [`${one} 8080`]],
    ['http on 443 when it names that', 'http://a.test:443/', [`${one} 443`]],
  ])('tries %s, whatever port the probe named', (_, url, endpoints) => {
    expect(tried(url, [`${one}:9999`], [])).toEqual(endpoints)
  })

  it('tries the addresses of both, the probe first', () => {
    expect(tried('https://a.test/', [`${two}:443`], [one, two])).toEqual([`${two} 443`, `${one} 443`])
  })

  it('tries no bogon', () => {
    expect(tried('http://a.test/', ['127.0.0.1:80', '[::1]:80'], ['10.0.0.1', '64:ff9b::7f00:1'])).toEqual([])
  })

  it('tries every address of the probe and ten of its own', () => {
    const many = (head: string) => Array.from({ length: 20 }, (_, i) => `9.0.${head}.${i}`)
    const probe = many('1').map((ip) => `${ip}:443`)
    expect(tried('https://a.test/', probe, many('2'))).toHaveLength(30)
  })
})

describe('speaksTls()', () => {
  it.each([
    ['https://a.test/', 443, true],
    ['https://a.test:8443/', 8443, true],
    ['http://a.test/', 443, true],
    ['http://a.test/', 80, false],
    ['http://a.test:8443/', 8443, false],
  ])('says of %s and port %i: %s', (url, port, tls) => {
    expect(speaksTls(new URL(url), port)).toBe(tls)
  })
})
