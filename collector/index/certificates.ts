// Certificates that records hold whole, by their digests: a probe keeps a chain whole once a week and then its digests
// (measurement.md, "Evidence"), and whoever reads one record wants the chain.

import { sha256Hex } from '../../tests-spec/protocol/batch.ts'

/** A chain has four at most, a record a few dozen handshakes; a line of a liar must not cost more. */
const maxPerRecord = 64
/** Base64. The largest of the public ones have 8 kB. */
const maxChars = 32_768

export interface KnownCertificate {
  /** In hex. */
  readonly sha256: string
  readonly der: Buffer
}

/** @param line - Of a batch: a record, or anything. */
export function certificatesIn(line: unknown): KnownCertificate[] {
  const found: KnownCertificate[] = []
  for (const handshake of listOf(at(at(at(line, 'measurement'), 'test_keys'), 'tls_handshakes'))) {
    for (const certificate of listOf(at(handshake, 'peer_certificates'))) {
      const data = at(certificate, 'data')
      if (typeof data !== 'string' || data.length > maxChars || found.length >= maxPerRecord) continue
      const der = Buffer.from(data, 'base64')
      if (der.length > 0) found.push({ sha256: sha256Hex(der), der })
    }
  }
  return found
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
