// GET /api/v1/measurements, from batches that were really posted. Under a Node.js without node:sqlite, this file runs itself
// again under one that has it.

import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isModern, testUnderModernNode } from '../../build/modern-node.ts'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { malitel, resetInTls, SampleProbe, sampleMeasurement } from '../../test/support/sample-probe.ts'
import { plainSchema } from '../../tests-spec/plain/plain-schema.ts'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { SqliteIndex } from '../index/sqlite-index.ts'

const modern = isModern(process.versions.node)

it.runIf(!modern)('these tests pass under a Node.js with node:sqlite', { timeout: 120_000 }, () => {
  const { status, output } = testUnderModernNode(import.meta.url)
  expect(output).toMatch(/Tests +\d+ passed/)
  expect({ status, output }).toMatchObject({ status: 0 })
})

describe.runIf(modern)('an export', () => {
  let collector: SampleCollector
  let probe: SampleProbe

  beforeEach(async () => {
    collector = await SampleCollector.start((path) => SqliteIndex.open(path))
    probe = new SampleProbe()
    await collector.enrol(probe)
  })
  afterEach(() => collector.remove())

  const get = (query: string, headers = {}) => collector.get(`/api/v1/measurements${query}`, headers)
  const linesOf = (text: string) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  const exported = async (query = '') => linesOf((await get(query)).body.toString())

  it('is in the plain form, each line fits its schema, and it is the same at each time of asking', async () => {
    const measured = sampleMeasurement({ verdict: resetInTls })
    const batch = probe.next([measured, sampleMeasurement({ testName: 'whatsapp', input: null })])
    await collector.postBatch(batch)
    const [first, second] = await exported()
    for (const line of [first, second]) expect(v.safeParse(plainSchema, line).issues).toBeUndefined()
    expect(first).toMatchObject({
      measurement_uid: expect.stringMatching(/^20180729120000\.000000_ML_webconnectivity_/),
      annotations: {
        x_sonde_verdict: 'anomaly',
        x_sonde_how: 'connection_reset',
        x_sonde_batch: batch.id,
        x_sonde_n: '0',
      },
    })
    expect(await exported()).toEqual([first, second])
    expect(new Set([first.measurement_uid, second.measurement_uid]).size).toBe(2)
  })

  it('has the chain of certificates that another record held whole', async () => {
    const der = Buffer.from('a certificate')
    const handshake = {
      ...{
        network: 'tcp',
        address: '192.0.2.1:443',
        server_name: 'site.test',
        failure: null,
        tls_version: 'TLSv1.3',
      },
      ...{
        cipher_suite: '',
        negotiated_protocol: 'h2',
        no_tls_verify: false,
        tags: [],
        transaction_id: 50_001,
      },
      ...{ t0: 0, t: 1, x_sonde_bytes_received: 4_000, x_sonde_bytes_sent: 600 },
    }
    const with_ = (over: object) => {
      const kept = sampleMeasurement()
      return {
        ...kept,
        test_keys: { ...kept.test_keys, tls_handshakes: [{ ...handshake, ...over }] },
      } as unknown as typeof kept
    }
    const whole = { peer_certificates: [{ data: der.toString('base64'), format: 'base64' }] }
    const brief = { peer_certificates: [], x_sonde_certificates_sha256: [sha256Hex(der)] }
    const unknown = { peer_certificates: [], x_sonde_certificates_sha256: [sha256Hex(der), '0'.repeat(64)] }
    await collector.postBatch(probe.next([with_(brief), with_(unknown)]))
    collector.now += 1
    await collector.postBatch(probe.next([with_(whole)]))
    const chains = (await exported()).map(({ test_keys }) => test_keys.tls_handshakes[0].peer_certificates)
    expect(chains).toEqual([whole.peer_certificates, [], whole.peer_certificates])
  })

  it('is reachable to its end by the link of each page, and grows behind it', async () => {
    for (let i = 0; i < 3; i++) {
      await collector.postBatch(probe.next([sampleMeasurement(), sampleMeasurement()]))
      collector.now += 1
    }
    const seen: number[] = []
    let query = '?format=kept&limit=4'
    for (let pages = 0; query !== '' && pages < 9; pages++) {
      const { body, headers } = await get(query)
      seen.push(...linesOf(body.toString()).map(({ n }) => n))
      const next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? ''
      query = next.replace('/api/v1/measurements', '')
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
  })

  it.each([
    ['asn=AS64501', [2]],
    ['test_name=whatsapp', [1]],
    ['input=https://site.test/', [0, 2, 3]],
    ['verdict=anomaly', [3]],
    ['since=2018-07-29', [0, 1, 2, 3]],
    ['until=2018-07-29', []],
    ['measured_since=2018-07-29T12:00:00Z&measured_until=2018-07-29T12:00:01%2B00:00', [0, 1, 2, 3]],
    ['measured_since=2018-07-29T12:00:01Z', []],
    ['since=2018-07-30T00:00:00Z', [3]],
  ])('is narrowed by %s', async (query, numbers) => {
    await collector.postBatch(
      probe.next([
        sampleMeasurement(),
        sampleMeasurement({ testName: 'whatsapp', input: null }),
        sampleMeasurement({ network: malitel }),
      ]),
    )
    collector.now += 2 * 86_400_000
    await collector.postBatch(probe.next([sampleMeasurement({ verdict: resetInTls })]))
    expect((await exported(`?format=kept&${query}`)).map(({ n }) => n)).toEqual(numbers)
  })

  it.each([
    ['?network=AS1', 'network: not known'],
    ['?since=yesterday', 'since: expected a date'],
    ['?since=2018-02-31T99:00:00Z', 'since: expected a date'],
    ['?since=2018-02-30', 'since: expected a date'],
    ['?measured_until=2018-04-31T12:00Z', 'measured_until: expected a date'],
    ['?since=2018-07-30&until=2018-07-29', 'since: expected a time that is not after the end'],
    ['?test_name=nope', 'test_name: expected web_connectivity, '],
    ['?limit=0&verdict=blocked', 'limit: expected 1 to 10000; verdict: expected ok, anomaly'],
    ['?format=xml', 'format: expected jsonl, kept, csv, parquet'],
    ['?cursor=1', 'cursor: expected what the last answer gave'],
    ['?asn=64500', 'asn: expected AS and a number'],
    ['?limit=1&limit=2', 'limit:'],
  ])('refuses %s, and says why', async (query, detail) => {
    const { status, body } = await get(query)
    expect(status).toBe(400)
    const problem = JSON.parse(body.toString())
    expect(problem.code).toBe('bad_request')
    expect(problem.detail.split('; ').sort().join('; ')).toContain(detail.split('; ').sort().join('; '))
  })

  it('is a table of verdicts and parts, as CSV and as Parquet', async () => {
    const parts = { web: resetInTls }
    await collector.postBatch(probe.next([sampleMeasurement({ testName: 'whatsapp', input: null, parts })]))
    const csv = await get('?format=csv')
    expect(csv.headers.get('content-type')).toContain('text/csv')
    expect(csv.body.toString().trim().split('\n')).toHaveLength(3)
    const parquet = await get('?format=parquet')
    expect(parquet.body.subarray(0, 4).toString()).toBe('PAR1')
    expect(parquet.headers.get('content-encoding')).toBeNull()
  })

  it('is compressed for whoever takes that, and for nobody else', async () => {
    await collector.postBatch(probe.next(Array.from({ length: 40 }, () => sampleMeasurement())))
    const { hostname, port } = new URL(collector.url)
    // The client of the tests would unpack it.
    const raw = (encoding: string) =>
      import('node:http').then(
        ({ get: ask }) =>
          new Promise<{ encoding: string | undefined; body: Buffer }>((resolve, reject) => {
            ask(
              { hostname, port, path: '/api/v1/measurements', headers: { 'accept-encoding': encoding } },
              async (response) => {
                const chunks = []
                for await (const chunk of response) chunks.push(chunk)
                resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) })
              },
            ).on('error', reject)
          }),
      )
    const plain = await raw('identity')
    const packed = await raw('gzip')
    expect([plain.encoding, packed.encoding]).toEqual([undefined, 'gzip'])
    expect(gunzipSync(packed.body).equals(plain.body)).toBe(true)
    expect(packed.body.length * 5).toBeLessThan(plain.body.length)
    expect((await raw('gzip;q=0, zstd;q=0')).encoding).toBeUndefined()
    expect(['zstd', 'gzip']).toContain((await raw('zstd, gzip')).encoding)
  })

  it('says that a damaged index is not available, as does the page, and logs once what to do', async () => {
    await collector.postBatch(probe.next(Array.from({ length: 200 }, () => sampleMeasurement())))
    expect(await exported()).toHaveLength(200)
    await collector.restart((path) => writeFileSync(path, readFileSync(path).fill(0xa5, 40 * 4_096)))
    for (const path of ['/api/v1/measurements', '/', '/']) {
      const { status, body } = await collector.get(path)
      expect({ status, code: JSON.parse(body.toString()).code }).toEqual({ status: 503, code: 'no_index' })
    }
    const said = collector.logged.filter(({ code }) => code === 'no_index')
    expect(said).toMatchObject([
      { level: 'error', err: { message: expect.stringContaining('rebuild-index') } },
    ])
    expect((await collector.postBatch(probe.next())).status).toBe(201)
  })
})
