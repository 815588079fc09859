// What would be kept of every golden sample, in full, in brief, and of the same over a link that was down; and what is known
// beside each: a place in a batch, a corrected time, the clock, lists, certificates and networks.

import { createHash } from 'node:crypto'
import { withEvidence } from '../../agent/measurement/evidence.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { TlsHandshake } from '../../tests-spec/data-formats/observation.ts'
import type { NetworkOf } from '../../tests-spec/plain/lookups.ts'
import type { PlainContext } from '../../tests-spec/plain/plain-form.ts'
import { type BatchId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import type { Sample } from '../golden/golden.ts'
import { concluded, goldenTables, type Table } from '../golden/tables.ts'
import { makeAuthority } from '../support/certificates.ts'
import { measured } from '../support/measured.ts'
import { link } from '../support/observations.ts'

export interface GoldenRecord {
  readonly table: Table
  readonly sample: Sample
  readonly level: 'full' | 'brief'
  readonly kept: Measurement
}

const issued = makeAuthority().issue({ names: ['site.example'] })
/** The samples show no certificates; a server does. */
export const certificateDer = derOf(issued.cert)

function derOf(pem: string): string {
  const [first = ''] = pem.split('-----END')
  return first.replace(/-----BEGIN [A-Z]+-----/, '').replaceAll(/\s/g, '')
}

const annotations = {
  engine_name: 'sonde',
  engine_version: '0.1.0',
  platform: 'linux',
  architecture: 'x64',
  network_type: 'wifi',
}

function keptOf(table: Table, sample: Sample): Measurement {
  const { keys, verdict, parts } = concluded(table, sample)
  const seen = { ...sample.seen, tls_handshakes: sample.seen.tls_handshakes.map(withCertificate) }
  const over = {
    name: table.nettest,
    version: table.spec.version,
    input: table.asked.input,
    keys,
    verdict,
    parts,
    link: sample.circumstances.link,
    cycleStartedMs: Date.parse('2018-07-29T20:59:00Z'),
    startedMs: Date.parse('2018-07-29T21:00:00Z'),
  }
  return { ...measured(seen, over), annotations }
}

function withCertificate(handshake: TlsHandshake): TlsHandshake {
  if (handshake.tls_version === '') return handshake
  return { ...handshake, peer_certificates: [{ data: certificateDer, format: 'base64' }] }
}

/** As a reader of JSON gets them: what is undefined is not there. */
const written = (measurement: Measurement): Measurement => JSON.parse(JSON.stringify(measurement))

function recordOf(table: Table, sample: Sample, level: GoldenRecord['level']): GoldenRecord {
  const kept = written(withEvidence(keptOf(table, sample), level))
  return { table, sample, level, kept }
}

const overDeadLink = ({ circumstances, ...sample }: Sample): Sample => ({
  ...sample,
  circumstances: { ...circumstances, link: link('down') },
})

export const goldenRecords: readonly GoldenRecord[] = goldenTables.flatMap((table) =>
  table.samples.flatMap((sample) => [
    recordOf(table, sample, 'full'),
    recordOf(table, sample, 'brief'),
    recordOf(table, overDeadLink(sample), 'full'),
  ]),
)

const knownDigest = sha256Hex(Buffer.from(certificateDer, 'base64'))
const networks: Readonly<Record<string, { asn: number; name: string }>> = {
  '21.0.0.': { asn: 64500, name: 'A host of sites' },
  '22.0.0.': { asn: 64501, name: 'Another host' },
}
const networkOf: NetworkOf = (ip) => networks[ip.replace(/\d+$/, '')] ?? null

/** @param n - The record's number in the batch. */
export function fullContext(n: number): PlainContext {
  return {
    place: { batch: createHash('sha256').update('a batch').digest('hex') as BatchId, n },
    dated: { correctedAt: Date.parse('2018-07-29T21:00:42.500Z'), errorMs: 1_500 },
    clock: 'synced',
    lists: { core: 12, bamako: 3 },
    certificate: (digest) => (digest === knownDigest ? certificateDer : null),
    networkOf,
  }
}
