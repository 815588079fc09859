// A probe with a good key, its own or a seized one, against the built collector: what it sends costs no more than it may,
// and what others send is received, indexed and shown meanwhile and afterwards.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Manifest, maxRawBytes } from '../../tests-spec/protocol/batch.ts'
import { type RunningCollector, startCollector } from '../support/processes.ts'
import { resetInTls, type SampleProbe, sampleMeasurement, sampleNoon } from '../support/sample-probe.ts'
import { root } from '../support/source-tree.ts'
import { answersUntilDone, batchAround, bytesOf, deep, enrolled, health, mostMiB, post } from './attackers.ts'

/** Of the collector, whatever is sent to it. */
const mostOfSending = 400
const record = (n: number, boot: string, mono_ms: number, more: object = {}) => ({
  n,
  class: 'routine',
  time: { clock: 'unknown', boot, mono_ms, wall_ms: 1 },
  measurement: { ...sampleMeasurement({ input: `https://${boot}-${n}.test/` }), ...more },
})
const lines = (records: readonly object[]) =>
  Buffer.from(records.map((each) => `${JSON.stringify(each)}\n`).join(''))

let collector: RunningCollector
let attacker: SampleProbe
let honest: SampleProbe
beforeAll(async () => {
  collector = await startCollector()
  attacker = await enrolled(collector)
  honest = await enrolled(collector)
})
afterAll(() => collector.stop())

let shown = 0
/** What is received of an honest probe is shown, whatever came before it. */
async function othersAreServed(): Promise<void> {
  const input = `https://honest-${shown++}.test/`
  expect(await post(collector, honest.next([sampleMeasurement({ input })]))).toBe(201)
  await expect
    .poll(
      async () => (await fetch(`${collector.url}/api/v1/measurements?format=kept&input=${input}`)).text(),
      {
        timeout: 50_000,
      },
    )
    .toContain(honest.device)
}

describe('a probe that signs', () => {
  it('two orders of its boots, in two small batches', async () => {
    const time = { bootId: 'a', monoMs: 5_000, notBefore: sampleNoon - 86_400_000 }
    const change =
      (epoch: string) =>
      (m: Manifest): Manifest => ({
        ...m,
        epoch,
        time: { ...m.time, ...time },
      })
    const order = (...boots: string[]) =>
      lines(boots.flatMap((boot, i) => [record(2 * i, boot, 0), record(2 * i + 1, boot, 3_600_000)]))
    attacker.epoch = '0123456789abcdef01'
    expect(
      await post(collector, batchAround(attacker, order('a', 'b'), { change: change('0123456789abcdef01') })),
    ).toBe(201)
    attacker.epoch = '0123456789abcdef02'
    expect(
      await post(collector, batchAround(attacker, order('b', 'a'), { change: change('0123456789abcdef02') })),
    ).toBe(201)
    await answersUntilDone(collector)
    expect(await (await fetch(`${collector.url}/?lang=en`)).text()).toContain(
      '2 boots in an order that contradicts itself',
    )
    await othersAreServed()
  })

  const feeds = Buffer.alloc(maxRawBytes, 0x0a)
  it.each([
    ['millions of empty objects in a line', batchRaw(`[${'{},'.repeat(5_000_000)}{}]\n`)],
    ['millions of lines', { raw: feeds }],
    [
      'millions of empty forms',
      {
        raw: feeds,
        unpacked: Buffer.from(`9999999\n${'\n'.repeat(9_999_999)}`),
        codec: 'br+columns' as const,
      },
    ],
    [
      'one form a million times',
      {
        raw: feeds,
        unpacked: Buffer.from(`1\n\n${'0,'.repeat(8_000_000)}0\n`),
        codec: 'br+columns' as const,
      },
    ],
    ['a line as deep as it is long', batchRaw(`${'['.repeat(3_000_000)}\n`)],
    ['lines of as many objects as a line may have', batchRaw(`[${'{},'.repeat(14_000)}{}]\n`.repeat(300))],
  ])('%s, in some kilobytes', async (_, { raw, ...how }) => {
    const batch = batchAround(attacker, raw, how)
    expect(batch.bytes.length).toBeLessThan(64 * 1024)
    expect(await post(collector, batch)).toBe(201)
    await answersUntilDone(collector)
    await othersAreServed()
    expect(mostMiB(collector)).toBeLessThan(mostOfSending)
  })

  it('an annotation as deep as it can be: it is left out, and what is around it is exported', async () => {
    attacker.epoch = '0123456789abcdef06'
    const nested = JSON.parse(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`)
    const raw = lines([
      record(0, 'deep', 0),
      record(1, 'deep', 1, { annotations: nested }),
      record(2, 'deep', 2),
    ])
    expect(await post(collector, batchAround(attacker, raw))).toBe(201)
    await answersUntilDone(collector)
    const text = await (await fetch(`${collector.url}/api/v1/measurements?limit=10000`)).text()
    expect(text.includes('https://deep-2.test/')).toBe(true)
    expect(text.includes('https://deep-1.test/')).toBe(false)
  })

  it('what has no plain form: it is left out of that form, and is in the other', async () => {
    const test_keys = { ...sampleMeasurement().test_keys, x_sonde_test_helper: 'no address' }
    const raw = lines([record(0, 'odd', 0), record(1, 'odd', 1, { test_keys }), record(2, 'odd', 2)])
    attacker.epoch = '0123456789abcdef03'
    expect(await post(collector, batchAround(attacker, raw))).toBe(201)
    await answersUntilDone(collector)
    const read = async (format: string) =>
      (await fetch(`${collector.url}/api/v1/measurements?limit=10000&format=${format}`)).text()
    expect((await read('jsonl')).includes('https://odd-2.test/')).toBe(true)
    expect((await read('jsonl')).includes('https://odd-1.test/')).toBe(false)
    expect((await read('kept')).includes('https://odd-1.test/')).toBe(true)
  })

  it('numbers that nothing can be added to', async () => {
    const far = (m: Manifest): Manifest => ({ ...m, seq: 2 ** 53 - 1 })
    expect(await post(collector, batchAround(attacker, Buffer.alloc(0), { change: far }))).toBe(400)
    attacker.epoch = '0123456789abcdef04'
    const last = (m: Manifest): Manifest => ({
      ...m,
      epoch: '0123456789abcdef04',
      seq: 0xffff_ffff,
      prev: 'a'.repeat(64),
    })
    expect(await post(collector, batchAround(attacker, Buffer.alloc(0), { change: last }))).toBe(201)
    await answersUntilDone(collector)
    expect((await fetch(`${collector.url}/`)).status).toBe(200)
  })
})

describe('a probe whose results fill every page', () => {
  const targets = deep ? 10_000 : 3_000
  const networks = deep ? 10_000 : 1_500
  beforeAll(async () => {
    attacker.epoch = '0123456789abcdef05'
    const parts = Object.fromEntries(
      Array.from({ length: 8 }, (_, n) => [
        `part-${n}`.padEnd(40, 'x'),
        { ...resetInTls, how: 'h'.repeat(300) },
      ]),
    )
    const results = Array.from({ length: targets }, (_, n) =>
      record(n, 'wide', n, {
        ...sampleMeasurement({
          input: `https://${n}.test/${'x'.repeat(1_900)}`,
          verdict: { ...resetInTls, how: '\u00e9'.repeat(300) },
          parts,
        }),
        probe_asn: `AS${n % networks}`,
        probe_network_name: '\u4e2d'.repeat(300),
      }),
    )
    for (let from = 0; from < targets; from += 1_000)
      expect(await post(collector, batchAround(attacker, lines(results.slice(from, from + 1_000))))).toBe(201)
    await answersUntilDone(collector)
    await collector.stop()
    // What it took to receive them is another question: it starts again with them in its index.
    const { flags, env } = asDeployed()
    collector = await startCollector(collector.state, [], flags, env)
    await answersUntilDone(collector)
  })

  it.each(['/', '/?all'])('makes %s no larger than it may be', async (path) => {
    const { status, bytes } = await bytesOf(`${collector.url}${path}`)
    expect(status).toBe(200)
    expect(bytes).toBeLessThan(8_000_000)
  })

  it('takes no more memory than it may, whatever is read, by however many', {
    timeout: deep ? 900_000 : 60_000,
  }, async () => {
    const paths = [
      ...['/', '/?all', '/?lang=fr&all'],
      ...['jsonl', 'kept', 'csv', 'parquet'].map(
        (format) => `/api/v1/measurements?limit=10000&format=${format}`,
      ),
    ]
    const rounds = deep ? 5 : 3
    for (let round = 0; round < rounds; round++)
      await Promise.all([...paths, ...paths].map((path) => bytesOf(`${collector.url}${path}`)))
    console.info(`The collector has taken ${mostMiB(collector)} MiB at most`)
    expect(mostMiB(collector)).toBeLessThan(mostOfReading)
    expect(await health(collector)).toMatchObject({ status: 'ok', set_aside: 0 })
    await othersAreServed()
  })
})

/** As the unit file starts it. */
function asDeployed(): { readonly flags: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const unit = readFileSync(join(root, 'deploy/collector/sonde-collector.service'), 'utf8')
  const flags = /^ExecStart=\S+ ((?:--\S+ )+)/m.exec(unit)?.[1]?.trim().split(' ') ?? []
  const env = Object.fromEntries(
    [...unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  )
  return { flags, env }
}
/** MiB of the collector, whatever is read from it, by however many. */
const mostOfReading = 200

function batchRaw(text: string): { raw: Buffer } {
  return { raw: Buffer.from(text) }
}
