import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeAuthority, selfSigned } from '../../test/support/certificates.ts'
import { bareName, certificateFaults, type Presented } from './certificate-faults.ts'

const past = { notBefore: new Date('2001-01-01'), notAfter: new Date('2002-01-01') }
const future = { notBefore: new Date('2089-01-01'), notAfter: new Date('2090-01-01') }
const names = ['good.test']
const authority = makeAuthority()
const chainOf = (pem: string) => pem.split(/(?=-----BEGIN)/).map((each) => new X509Certificate(each))

/** Judges as if OpenSSL had found a wrong date, which hides from OpenSSL all the faults tested here. */
function judge(chain: readonly X509Certificate[], changes: Partial<Presented> = {}) {
  return certificateFaults({
    chain,
    name: 'good.test',
    verifyError: 'CERT_HAS_EXPIRED',
    roots: [makeAuthority().caPem, authority.caPem],
    now: Date.now(),
    ...changes,
  }).all
}

describe('certificateFaults()', () => {
  it('finds none in a good chain, whatever the clock of the system made OpenSSL say', () => {
    expect(judge(chainOf(authority.issue({ names }).cert))).toEqual([])
    expect(judge(chainOf(authority.subordinate().subordinate().issue({ names }).cert))).toEqual([])
  })

  it.each<[string, X509Certificate[], readonly string[] | undefined, string[]]>([
    [
      'an expired intermediate',
      chainOf(authority.subordinate(past).issue({ names }).cert),
      undefined,
      ['ssl_invalid_certificate', 'expired'],
    ],
    [
      'an intermediate that is not yet valid',
      chainOf(authority.subordinate(future).issue({ names }).cert),
      undefined,
      ['ssl_invalid_certificate', 'not_yet_valid'],
    ],
    ...[past, future].map((dates): [string, X509Certificate[], readonly string[], string[]] => {
      const root = makeAuthority(dates)
      const fault = dates === past ? 'expired' : 'not_yet_valid'
      return [
        `a root that is ${fault}`,
        chainOf(root.issue({ names }).cert),
        [root.caPem],
        ['ssl_invalid_certificate', fault],
      ]
    }),
    [
      'a missing intermediate',
      chainOf(authority.subordinate().issue({ names }).cert).slice(0, 1),
      undefined,
      ['ssl_unknown_authority'],
    ],
    [
      'a leaf signed by a leaf',
      [...chainOf(authority.issue({ names }).cert), ...chainOf(authority.issue({ names }).cert)],
      [],
      ['ssl_unknown_authority'],
    ],
  ])('finds %s', (_what, chain, roots, faults) => {
    expect(judge(chain, roots === undefined ? {} : { roots })).toEqual(faults)
  })

  it('takes a way round an expired stray, as clients do', () => {
    const chain = chainOf(authority.subordinate().issue({ names }).cert)
    expect(judge([...chain, ...chainOf(makeAuthority(past).caPem)])).toEqual([])
  })

  it('trusts a self-signed certificate that is a root itself', () => {
    const { cert } = selfSigned({ names })
    expect(judge(chainOf(cert), { roots: [cert] })).toEqual([])
    expect(judge(chainOf(cert))).toEqual(['ssl_unknown_authority'])
  })

  it('ends on a chain made to go round', () => {
    const commonName = 'Circle'
    const circle = Array.from({ length: 40 }, () => chainOf(makeAuthority({ commonName }).caPem)).flat()
    const leaf = chainOf(makeAuthority({ commonName }).issue({ names }).cert)
    expect(judge([...leaf, ...circle])).toEqual(['ssl_unknown_authority'])
  })

  it.each([
    ['INVALID_PURPOSE', 'ssl_invalid_certificate'],
    ['CERT_REVOKED', 'ssl_invalid_certificate'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ssl_unknown_authority'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'ssl_unknown_authority'],
    ['CERT_SIGNATURE_FAILURE', 'ssl_unknown_authority'],
  ])("takes OpenSSL's word for %s", (verifyError, fault) => {
    expect(judge(chainOf(authority.issue({ names }).cert), { verifyError })).toEqual([fault])
  })

  it('calls no certificate at all an unknown authority', () => {
    expect(judge([], { verifyError: null })).toEqual(['ssl_unknown_authority'])
  })

  it('does not ask for a name when there is none to ask for', () => {
    expect(judge(chainOf(authority.issue({ names: ['other.test'] }).cert), { name: null })).toEqual([])
  })
})

describe('bareName()', () => {
  it('takes the brackets off an address and leaves names alone', () => {
    expect(bareName('[2001:db8::1]')).toBe('2001:db8::1')
    expect(bareName('192.0.2.1')).toBe('192.0.2.1')
    expect(bareName('[odd].test')).toBe('[odd].test')
  })
})
