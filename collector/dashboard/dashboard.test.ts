// The page and the export, from batches that were really posted. Under a Node.js without node:sqlite, this file runs
// itself again under one that has it.

import { createHash } from 'node:crypto'
import { brotliCompressSync, constants } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isModern, testUnderModernNode } from '../../build/modern-node.ts'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import {
  malitel,
  reached,
  resetInTls,
  SampleProbe,
  sampleMeasurement,
  sampleNoon,
} from '../../test/support/sample-probe.ts'
import type { Verdict } from '../../tests-spec/nettests/verdict.ts'
import { everything } from '../index/selection.ts'
import { SqliteIndex } from '../index/sqlite-index.ts'

const modern = isModern(process.versions.node)

it.runIf(!modern)('these tests pass under a Node.js with node:sqlite', { timeout: 120_000 }, () => {
  const { status, output } = testUnderModernNode(import.meta.url)
  expect(output).toMatch(/Tests +\d\d passed/)
  expect({ status, output }).toMatchObject({ status: 0 })
})

describe.runIf(modern)('the collector shows what it received', () => {
  let collector: SampleCollector
  let probe: SampleProbe

  beforeEach(async () => {
    collector = await SampleCollector.start((path) => SqliteIndex.open(path))
    probe = new SampleProbe()
    await collector.enrol(probe)
  })
  afterEach(() => collector.remove())

  const page = async (path = '/?lang=en') => (await collector.get(path)).body.toString()
  /** What a reader sees, row by row. */
  const rowsOf = (html: string, table: 'results' | 'probes') => {
    const [, text = ''] = new RegExp(`<table class="${table}">(.*?)</table>`, 's').exec(html) ?? []
    const [, ...rows] = text.split(/<tr[^>]*>/)
    return rows.map((row) =>
      row
        .split(/<t[dh][^>]*>/)
        .slice(1)
        .map((cell) =>
          cell
            .replace(/<.?(time|span)[^>]*>/g, '')
            .replace(/<[^>]+>/g, ' ')
            .replace(/\s+/g, ' ')
            .trim(),
        ),
    )
  }
  const exported = async (query = '') => {
    const { body } = await collector.get(`/api/v1/measurements?format=kept${query}`)
    return body
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }
  const partly: Verdict = { verdict: 'anomaly', rule: 'whatsapp/parts@1', step: null, how: null, because: [] }

  it('one row a target, one column a network, in words and signs, with times and probe', async () => {
    const measured = sampleMeasurement({ verdict: resetInTls, at: sampleNoon - 12 * 60_000 })
    await collector.postBatch(probe.next([measured, sampleMeasurement({ network: malitel })]))
    expect(rowsOf(await page(), 'results')).toEqual([
      ['Target', 'Example Orange AS64500 · ▲ 1 anomaly', 'Example Malitel AS64501 · ✓ 1 ok'],
      [
        'https://site.test/ web_connectivity',
        `Example Orange ▲ anomaly TLS handshake connection_reset measured 2018-07-29 11:48Z received 13:00Z, probe ${probe.device.slice(0, 8)}`,
        `Example Malitel ✓ ok measured 2018-07-29 12:00Z received 13:00Z, probe ${probe.device.slice(0, 8)}`,
      ],
    ])
  })

  it('WhatsApp as three services below each other', async () => {
    const whatsapp = { input: null, testName: 'whatsapp', verdict: partly }
    const parts = {
      registration: resetInTls,
      endpoints: reached,
      web: { ...resetInTls, how: 'generic_timeout_error' },
    }
    await collector.postBatch(probe.next([sampleMeasurement({ ...whatsapp, parts })]))
    expect(
      rowsOf(await page(), 'results')
        .slice(1)
        .map(([name, cell = '']) => [name, cell.replace(/ measured.*/, '')]),
    ).toEqual([
      ['whatsapp', 'Example Orange ▲ anomaly'],
      ['Registration', 'Example Orange ▲ anomaly TLS handshake connection_reset'],
      ['Endpoints', 'Example Orange ✓ ok'],
      ['Web', 'Example Orange ▲ anomaly TLS handshake generic_timeout_error'],
    ])
  })

  it('every enrolled probe: last contact, chain, losses and clock', async () => {
    const silent = new SampleProbe()
    await collector.enrol(silent)
    const lost = [{ ranges: [[3, 7]] as [number, number][], reason: 'evicted' as const }]
    const batches = [probe.next(), probe.next(), probe.next([sampleMeasurement()], (m) => ({ ...m, lost }))]
    for (const batch of [batches[0], batches[2]]) if (batch) await collector.postBatch(batch)
    collector.now += 12 * 60_000
    expect(rowsOf(await page(), 'probes')).toEqual([
      [
        'Probe',
        'Last contact',
        'Backlog',
        'Epoch / seq',
        'Batches received',
        'Batches missing',
        'Records lost',
        'Clock',
        'Agent',
      ],
      [
        probe.device.slice(0, 8),
        'Last contact 12 min ago 2018-07-29 13:00Z',
        'Backlog 12 records 0 batches sealed',
        'Epoch / seq 012345 / 2',
        'Batches received 2',
        'Batches missing 1',
        'Records lost 5',
        'Clock set by NTP, ± 40 ms',
        'Agent 1.2.3',
      ],
      [silent.device.slice(0, 8), 'Last contact never enrolled 2018-07-29 13:00Z', ''],
    ])
  })

  it('French or English, as the reader asks', async () => {
    await collector.postBatch(
      probe.next([sampleMeasurement({ verdict: { ...resetInTls, verdict: 'link_down' } })]),
    )
    const french = await collector.get('/', { 'accept-language': 'fr-ML,fr;q=0.9' })
    expect(french.headers.get('content-language')).toBe('fr')
    expect(french.body.toString()).toContain('<html lang="fr">')
    expect(french.body.toString()).toContain('○ liaison coupée')
    expect(french.body.toString()).toContain('Ce n’est pas une affirmation de blocage')
    expect(await page('/?lang=en')).toContain('This is not a claim of blocking')
  })

  it('what a probe sends as text, never as markup', async () => {
    const evil = '<script>alert("x")</script>'
    const network = { asn: 'AS64500', name: evil }
    const verdict: Verdict = { ...resetInTls, how: `unknown_failure: ${evil}` }
    await collector.postBatch(
      probe.next([sampleMeasurement({ input: evil, network, verdict, parts: { [evil]: reached } })], (m) => ({
        ...m,
        agent: { version: evil },
      })),
    )
    const html = await page()
    expect(html).not.toContain('<script')
    expect(html.match(/&lt;script&gt;/g)?.length).toBeGreaterThanOrEqual(5)
  })

  it('with nothing to load, run or frame', async () => {
    const { headers, body } = await collector.get('/')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='/)
    const [, style = ''] = /<style>(.*)<\/style>/s.exec(body.toString()) ?? []
    expect(policy).toContain(createHash('sha256').update(style).digest('base64'))
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(body.toString()).not.toMatch(/\bsrc=|<link|<script|style="|url\(/)
  })

  it('50 targets on two networks in less than 30 kB, and a fifth of that when packed', async () => {
    const verdicts = [reached, reached, reached, resetInTls]
    const targets = Array.from({ length: 50 }, (_, i) => ({
      input: `https://www.target-${i}.example/`,
      verdict: verdicts[i % 4] ?? reached,
    }))
    const both = targets.flatMap((target) => [
      sampleMeasurement(target),
      sampleMeasurement({ ...target, network: malitel }),
    ])
    await collector.postBatch(probe.next(both))
    for (const language of ['en', 'fr']) {
      const html = await page(`/?lang=${language}`)
      expect(rowsOf(html, 'results')).toHaveLength(51)
      expect(Buffer.byteLength(html)).toBeLessThan(30_000)
    }
    for (const [accepted, coding] of [
      ['gzip', 'gzip'],
      ['br, GZIP;q=0.5', 'gzip'],
      ['gzip;q=0', null],
      ['x-gzip', null],
    ] as const) {
      const answer = await fetch(`${collector.url}/`, { headers: { 'accept-encoding': accepted } })
      expect(answer.headers.get('content-encoding')).toBe(coding)
      expect((await answer.text()).length).toBeGreaterThan(20_000)
    }
  })

  it('the gravest of more targets than fit, and all of them when asked', async () => {
    const many = Array.from({ length: 230 }, (_, i) =>
      sampleMeasurement({ input: `https://${1000 + i}.test/` }),
    )
    await collector.postBatch(
      probe.next([...many, sampleMeasurement({ input: 'https://zzz.test/', verdict: resetInTls })]),
    )
    const html = await page()
    expect(rowsOf(html, 'results')).toHaveLength(201)
    expect(rowsOf(html, 'results')[1]?.[0]).toContain('https://zzz.test/')
    expect(html).toContain('31 more targets')
    expect(rowsOf(await page('/?lang=en&all'), 'results')).toHaveLength(232)
  })

  it('measurements as JSON lines, as the probe wrote them, in the order of receipt', async () => {
    const first = [
      sampleMeasurement({ input: 'https://a.test/' }),
      sampleMeasurement({ input: 'https://b.test/' }),
    ]
    const batches = [probe.next(first)]
    for (const batch of batches) await collector.postBatch(batch)
    collector.now += 1_000
    const second = sampleMeasurement({ verdict: resetInTls })
    batches.push(probe.next([second]))
    for (const batch of batches.slice(1)) await collector.postBatch(batch)
    const [early, late] = batches.map(({ id }) => id)
    const { device, epoch } = probe
    // It is not known how right the clock was: there is a receipt, and it has told this probe nothing yet.
    const dated = { corrected_at: '2018-07-29T12:00:00.000Z', error_ms: null }
    expect(await exported()).toEqual([
      {
        batch: early,
        device,
        epoch,
        n: 0,
        received_at: '2018-07-29T13:00:00.000Z',
        ...dated,
        measurement: first[0],
      },
      {
        batch: early,
        device,
        epoch,
        n: 1,
        received_at: '2018-07-29T13:00:00.000Z',
        ...dated,
        measurement: first[1],
      },
      {
        batch: late,
        device,
        epoch,
        n: 2,
        received_at: '2018-07-29T13:00:01.000Z',
        ...dated,
        measurement: second,
      },
    ])
    expect(await exported('&since=2018-07-29T13:00:01Z')).toHaveLength(1)
    expect(await exported('&limit=2')).toMatchObject([{ n: 0 }, { n: 1 }])
    for (const query of [
      '?since=yesterday',
      '?limit=0',
      '?limit=x',
      '?limit=10001',
      '?format=xml',
      '?network=AS1',
    ]) {
      expect((await collector.get(`/api/v1/measurements${query}`)).status).toBe(400)
    }
  })

  it('what was packed in columns, to the byte', async () => {
    const measured = Array.from({ length: 60 }, (_, i) => sampleMeasurement({ at: sampleNoon + i * 900_000 }))
    const batch = probe.next(measured)
    expect(batch.manifest.payload).toMatchObject({ codec: 'br+columns' })
    await collector.postBatch(batch)
    const found = await exported('&limit=100')
    expect(found.map(({ measurement }) => JSON.stringify(measurement))).toEqual(
      measured.map((each) => JSON.stringify(each)),
    )
  })

  it('a batch whose payload lies as one, and goes on', async () => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1 }
    const bomb = brotliCompressSync(Buffer.alloc(256 * 1024 * 1024), { params })
    const lying = probe.batchOf(null, Buffer.from('{}\n'), bomb)
    expect((await collector.postBatch(lying)).status).toBe(201)
    expect((await collector.postBatch(probe.after(lying, [sampleMeasurement()]))).status).toBe(201)
    const html = await page()
    expect(html).toContain('1 with an unreadable payload')
    expect(rowsOf(html, 'results')).toHaveLength(2)
    expect(collector.logged).toContainEqual(
      expect.objectContaining({ code: 'payload_faulty', fault: 'too_long' }),
    )
  })

  it('after a restart what it showed before, and what it had no time to index', async () => {
    await collector.postBatch(probe.next())
    const before = await page()
    await collector.restart()
    expect(await page()).toBe(before)
    expect(await exported()).toHaveLength(1)
  })

  it('what it shows even when its index was deleted', async () => {
    await collector.postBatch(probe.next())
    const before = await exported()
    const { index } = collector.collector
    expect(index?.select(everything)).toHaveLength(1)
    const { deleteIndex } = await import('../index/sqlite-index.ts')
    await deleteIndex(`${collector.state}/index.sqlite`)
    await collector.restart()
    expect(await exported()).toEqual(before)
  })
})
