// A probe for the tests: a real key, a real chain, real batches, and measurements with as much in them as a row and a
// page need. Not part of any program.

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { brotliCompressSync, constants } from 'node:zlib'
import * as v from 'valibot'
import type { Measurement, SpoolRecord } from '../../tests-spec/data-formats/measurement.ts'
import { unknownLink, type Verdict } from '../../tests-spec/nettests/verdict.ts'
import {
  type BatchId,
  type DeviceId,
  deviceId,
  encodeBatch,
  type Manifest,
  sha256Hex,
} from '../../tests-spec/protocol/batch.ts'
import { toColumns } from '../../tests-spec/protocol/columns.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import {
  type EnrolmentRequest,
  makeEnrolmentRequest,
  openEnrolment,
  readToken,
} from '../../tests-spec/protocol/enrolment.ts'
import { codecFor } from '../../tests-spec/protocol/payload.ts'

export interface SampleBatch {
  readonly id: BatchId
  readonly bytes: Buffer
  readonly manifest: Manifest
}

export interface SampleNetwork {
  readonly asn: string
  readonly name: string
}

export const orange: SampleNetwork = { asn: 'AS64500', name: 'Example Orange' }
export const malitel: SampleNetwork = { asn: 'AS64501', name: 'Example Malitel' }

/** Brotli's default level takes 160 times as long and saves only a fifth. */
const likeAProbe = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }

/** The wall clock of every sample: 29 July 2018, 12:00 UTC. */
export const sampleNoon = Date.UTC(2018, 6, 29, 12)

export class SampleProbe {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly device: DeviceId
  /** Epoch, one life of the spool: when a test sets it, `next()` begins again at 0. */
  epoch = '0123456789abcdef01'
  /** Endpoints that its enrolment record names. */
  endpoints: readonly unknown[] = []
  #collectorKeyId = ''
  #enrolmentDigest = ''
  #last: SampleBatch | null = null
  #n = 0

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    this.privateKey = privateKey
    this.publicKey = publicKey
    this.device = v.parse(deviceId, keyIdOf(publicKey))
  }

  /** The request that this probe sends to be enrolled with a token. */
  enrolmentRequest(token: string): EnrolmentRequest {
    const read = readToken(token)
    if (read === null) throw new Error(`Not a token: ${token}`)
    this.#collectorKeyId = read.collectorKeyId
    return makeEnrolmentRequest(read.secret, this.publicKey, this.privateKey)
  }

  /** Takes the collector's answer as a probe does, checks included. */
  enrolled(record: Uint8Array): void {
    const { digest, enrolment } = openEnrolment(record, this.#collectorKeyId)
    this.#enrolmentDigest = digest
    this.endpoints = enrolment.endpoints ?? []
  }

  /** @returns The next batch of the chain. `change` can spoil its manifest; the chain goes on from what was made. */
  next(
    measurements: readonly Measurement[] = [sampleMeasurement()],
    change: (manifest: Manifest) => Manifest = (m) => m,
  ): SampleBatch {
    const batch = this.after(this.#last, measurements, change)
    this.#last = batch
    return batch
  }

  /** @returns The next batch of the chain, around any bytes as payload. */
  nextOf(payload: Buffer, change: (manifest: Manifest) => Manifest = (m) => m): SampleBatch {
    const batch = this.batchOf(this.#last, Buffer.alloc(0), payload, change)
    this.#last = batch
    return batch
  }

  /** @returns A batch that follows `last`, and is not part of the chain that this probe goes on with. */
  after(
    last: SampleBatch | null,
    measurements: readonly Measurement[],
    change: (manifest: Manifest) => Manifest = (m) => m,
  ): SampleBatch {
    const lines = measurements.map((each) => JSON.stringify(this.#record(each)))
    const raw = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    const columns = toColumns(raw.toString('latin1').split('\n').slice(0, -1))
    const codec = codecFor(columns, raw.length)
    const payload = brotliCompressSync(codec === 'br' ? raw : Buffer.from(columns, 'latin1'), likeAProbe)
    return this.batchOf(last, raw, payload, (m) => change({ ...m, payload: { ...m.payload, codec } }))
  }

  /** @returns A batch around any bytes as payload. */
  batchOf(
    last: SampleBatch | null,
    raw: Buffer,
    payload: Buffer,
    change: (manifest: Manifest) => Manifest = (m) => m,
  ): SampleBatch {
    const sameEpoch = last?.manifest.epoch === this.epoch ? last : null
    const manifest = change({
      v: 1,
      device: this.device,
      epoch: this.epoch,
      seq: sameEpoch === null ? 0 : sameEpoch.manifest.seq + 1,
      prev: sameEpoch === null ? this.#enrolmentDigest : sameEpoch.id,
      records: { n: 1, ranges: [], classes: { anomaly: 0, routine: 1, diagnostic: 0 } },
      lost: [],
      payload: {
        codec: 'br',
        len: payload.length,
        sha256: sha256Hex(payload),
        rawLen: raw.length,
        rawSha256: sha256Hex(raw),
        schema: 'sonde-record-1',
      },
      time: { wall: sampleNoon, bootId: 'boot-1', monoMs: 1, src: 'ntp', uncMs: 40 },
      backlog: { records: 12, batches: 0 },
      lists: {},
      agent: { version: '1.2.3' },
      why: 'age',
    })
    return { ...encodeBatch(manifest, payload, this.privateKey), manifest }
  }

  #record(measurement: Measurement): SpoolRecord {
    const anomalous = measurement.test_keys.x_sonde_verdict.verdict === 'anomaly'
    return {
      n: this.#n++,
      class: anomalous ? 'anomaly' : 'routine',
      time: {
        wall_ms: Date.parse(`${measurement.measurement_start_time.replace(' ', 'T')}Z`),
        boot: 'boot-1',
        mono_ms: 1,
        clock: 'synced',
      },
      measurement,
    }
  }
}

export const reached: Verdict = {
  verdict: 'ok',
  rule: 'web_connectivity/reached@1',
  step: null,
  how: null,
  because: [],
}
export const resetInTls: Verdict = {
  verdict: 'anomaly',
  rule: 'web_connectivity/reset@1',
  step: 'tls_handshake',
  how: 'connection_reset',
  because: [3],
}

export interface SampleMeasurement {
  readonly input?: string | null
  readonly testName?: string
  readonly network?: SampleNetwork
  readonly verdict?: Verdict
  /** Milliseconds since 1970 by the probe's clock. */
  readonly at?: number
  readonly parts?: Readonly<Record<string, Verdict>>
}

export function sampleMeasurement(asked: SampleMeasurement = {}): Measurement {
  const { network = orange, verdict = reached, at = sampleNoon, parts } = asked
  const time = new Date(at).toISOString().slice(0, 19).replace('T', ' ')
  return {
    annotations: {},
    data_format_version: '0.2.0',
    extensions: {},
    input: asked.input === undefined ? 'https://site.test/' : asked.input,
    measurement_start_time: time,
    probe_asn: network.asn,
    probe_cc: 'ML',
    probe_ip: '127.0.0.1',
    probe_network_name: network.name,
    resolver_asn: network.asn,
    resolver_ip: '192.0.2.53',
    resolver_network_name: network.name,
    software_name: 'sonde',
    software_version: '1.2.3',
    test_keys: {
      queries: [],
      tcp_connect: [],
      tls_handshakes: [],
      requests: [],
      network_events: [],
      x_sonde_verdict: verdict,
      x_sonde_link: unknownLink,
      x_sonde_bytes_sent: 700,
      x_sonde_bytes_received: 4_000,
      ...(parts === undefined ? {} : { x_sonde_parts: parts }),
    },
    test_name: asked.testName ?? 'web_connectivity',
    test_runtime: 1.5,
    test_start_time: time,
    test_version: '0.1.0',
  }
}
