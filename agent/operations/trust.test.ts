import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { makeTrust } from './trust.ts'

describe('makeTrust()', () => {
  it('names the roots by the version of Node.js and what they are', () => {
    const { name, roots } = makeTrust()
    expect(name).toMatch(/^node-\d+\.\d+\.\d+-roots-[0-9a-f]{8}$/)
    expect(roots).toEqual(rootCertificates)
    expect(makeTrust().name).toBe(name)
  })

  it('changes the name with every root that is added, not with their order', () => {
    const [a, b] = [makeAuthority().caPem, makeAuthority().caPem]
    const name = makeTrust({ extraCa: [a, b] }).name
    expect(makeTrust({ extraCa: [b, a] }).name).toBe(name)
    expect(makeTrust({ extraCa: [a] }).name).not.toBe(name)
    expect(makeTrust().name).not.toBe(name)
  })
})
