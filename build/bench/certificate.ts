// The chain of the benchmark's target: a leaf and an intermediate, with enough names to make it as long as the chains
// that sites send. Its length is printed beside every figure that depends on it.

import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority } from '../../test/support/certificates.ts'

export interface Certificate {
  /**
   * Path of a PEM file, as the next two: the root to be trusted, the chain to be sent, the key of the chain's leaf.
   */
  readonly root: string
  readonly chain: string
  readonly key: string
  /** Bytes of the chain as it is sent, in DER. */
  readonly chainBytes: number
}

/** @param folder - An existing folder, which the caller deletes. */
export function makeCertificate(folder: string): Certificate {
  const root = makeAuthority()
  const padding = Array.from({ length: 80 }, (_, index) => `site-${index}.example.test`)
  const { key, cert } = root.subordinate().issue({ names: ['target.test', 'localhost', ...padding] })
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  return {
    root: write('root.pem', root.caPem),
    chain: write('chain.pem', cert),
    key: write('key.pem', key),
    chainBytes: pemBlocks(cert).reduce((sum, pem) => sum + new X509Certificate(pem).raw.length, 0),
  }
}

function pemBlocks(text: string): string[] {
  return text.match(/-----BEGIN[\s\S]*?-----END [A-Z ]+-----/g) ?? []
}
