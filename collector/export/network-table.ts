// Whose an address is, by a table that the operator has on disk: a file in MaxMind's format with the fields of an ASN
// database, such as OONI's, DB-IP's or MaxMind's own. Nothing is asked over the network, and nothing is shipped here.

import { readFileSync } from 'node:fs'
import { type AsnResponse, Reader } from 'mmdb-lib'
import type { NetworkOf } from '../../tests-spec/plain/lookups.ts'

/** @throws {Error} With the code `bad_asn_table`, when the file cannot be read as one. */
export function openNetworkTable(path: string): NetworkOf {
  try {
    const reader = new Reader<AsnResponse>(readFileSync(path))
    return (ip) => networkIn(reader, ip)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw Object.assign(
      new Error(
        `Cannot read ${path} as a table of networks: ${why}. Expected an ASN database in MaxMind's format (.mmdb)`,
        { cause },
      ),
      { code: 'bad_asn_table' },
    )
  }
}

function networkIn(reader: Reader<AsnResponse>, ip: string): ReturnType<NetworkOf> {
  try {
    const found = reader.get(ip)
    const asn = found?.autonomous_system_number
    return asn === undefined ? null : { asn, name: found?.autonomous_system_organization ?? '' }
  } catch {
    // No address, or one that was scrubbed.
    return null
  }
}
