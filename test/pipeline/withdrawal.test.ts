// A host withdraws, or a device is stolen: what its operator removes or marks, by the built collector over real HTTP.

import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { batchMediaType, type Manifest } from '../../tests-spec/protocol/batch.ts'
import { collectorBundle, type RunningCollector, runToEnd, startCollector } from '../support/processes.ts'
import { SampleProbe, sampleMeasurement } from '../support/sample-probe.ts'

const secret = 'https://withdrawn-host-measured-this.test/'

async function enrolled(collector: RunningCollector): Promise<SampleProbe> {
  const probe = new SampleProbe()
  const request = probe.enrolmentRequest(await collector.token())
  const answer = await send(collector, '/v1/enrol', 'application/json', Buffer.from(JSON.stringify(request)))
  probe.enrolled(answer.body)
  return probe
}

async function send({ url }: RunningCollector, path: string, type: string, body: Uint8Array) {
  const headers = { 'content-type': type }
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: new Uint8Array(body) })
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
}

const post = (collector: RunningCollector, { bytes }: { readonly bytes: Uint8Array }) =>
  send(collector, '/v1/batches', batchMediaType, bytes)

const command = (...argv: string[]) => runToEnd(modernNode(), [collectorBundle, ...argv])

/** A manifest that names its one record, as a probe's does. */
const numbered = (n: number) => (manifest: Manifest) => ({
  ...manifest,
  records: {
    n: 1,
    ranges: [[n, n]],
    classes: { anomaly: 0, routine: 1, diagnostic: 0 },
  } as Manifest['records'],
})

/** Files below a folder that hold a text. */
function holding(folder: string, text: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  return files.filter((path) => statSync(path).isFile() && readFileSync(path).includes(text))
}

it('purge leaves nothing of what a probe has sent, and a chain that goes on', async () => {
  let collector = await startCollector()
  const { state } = collector
  const probe = await enrolled(collector)
  const other = await enrolled(collector)
  const sent = [0, 1, 2].map(() => probe.next([sampleMeasurement({ input: secret })]))
  for (const batch of sent) expect((await post(collector, batch)).status).toBe(201)
  const receipt = (await post(collector, sent[1] ?? probe.next())).body
  await post(collector, other.next([sampleMeasurement({ input: 'https://stays.test/' })], numbered(0)))
  expect(await collector.measurements()).toHaveLength(4)
  const running = await command('purge', probe.device, '--yes', '--state', state)
  expect(running).toMatchObject({ code: 75, err: expect.stringContaining('[state_in_use]') })
  await collector.stop()

  const asked = await command('purge', probe.device, '--state', state)
  expect(JSON.parse(asked.out)).toMatchObject({ event: 'would_purge', batches: 3 })
  const before = readdirSync(join(state, 'batches'), { recursive: true }).filter((name) =>
    String(name).endsWith('.psb'),
  )
  expect(before).toHaveLength(4)
  const purged = await command('purge', probe.device, '--yes', '--state', state)
  expect(purged).toMatchObject({ code: 0, err: '' })
  expect(JSON.parse(purged.out)).toEqual({
    event: 'purged',
    device: probe.device,
    batches: 3,
    removed_before: 0,
    revoked: false,
    conflicts: 0,
  })
  expect(holding(state, 'withdrawn-host')).toEqual([])
  for (const { id } of sent) {
    const folder = join(state, 'batches', id.slice(0, 2))
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith(id))
        .sort(),
    ).toEqual([`${id}.gone.json`, `${id}.receipt.json`])
    // A crash between tombstone and removal: the next start ends it.
    writeFileSync(join(folder, `${id}.psb`), sent[0]?.bytes ?? '')
  }

  // Cut short before the index was made again: the next start makes it of what is left.
  rmSync(join(state, 'index.sqlite'))

  collector = await startCollector(state)
  try {
    expect((await collector.measurements()).map(({ measurement }) => measurement.input)).toEqual([
      'https://stays.test/',
    ])
    // It comes again, as one whose receipt was lost does: the receipt is the same, and the content is not kept.
    const again = await post(collector, sent[1] ?? probe.next())
    expect(again.body).toEqual(receipt)
    expect(holding(join(state, 'batches'), String(secret))).toEqual([])
    expect(
      readdirSync(join(state, 'batches'), { recursive: true }).filter((name) =>
        String(name).endsWith('.psb'),
      ),
    ).toHaveLength(1)
    // Another content with the number of one that is gone is a conflict still; the next number fits.
    const forged = probe.after(sent[0] ?? null, [sampleMeasurement({ input: 'https://forged.test/' })])
    expect((await post(collector, forged)).status).toBe(409)
    const next = probe.after(
      sent[2] ?? null,
      [sampleMeasurement({ input: 'https://goes-on.test/' })],
      numbered(4),
    )
    expect((await post(collector, next)).status).toBe(201)
  } finally {
    await collector.stop()
  }
  expect(await command('rebuild-index', '--state', state)).toMatchObject({ code: 0, err: '' })
  const exported = await command('export', '--kept', '--state', state)
  expect(exported.out.split('\n').filter(Boolean)).toHaveLength(2)
  const files = readdirSync(join(state, 'batches'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.psb'))
    .map((name) => join(state, 'batches', name))
  expect(await command('verify', '--state', state, ...files)).toMatchObject({ code: 0 })
  const nobody = await command('purge', 'a'.repeat(32), '--yes', '--state', state)
  expect(nobody).toMatchObject({ code: 66, err: expect.stringContaining('[unknown_probe]') })
})

it('suspect marks what came after, on the page and in every export, and takes it back', async () => {
  const collector = await startCollector()
  const { state, url } = collector
  try {
    const probe = await enrolled(collector)
    await post(collector, probe.next([sampleMeasurement({ input: 'https://before.test/' })]))
    const [first] = (await collector.measurements()) as unknown as { received_at: string }[]
    const since = new Date(Date.parse(first?.received_at ?? '') + 1).toISOString()
    await post(collector, probe.next([sampleMeasurement({ input: 'https://after.test/' })]))
    await collector.measurements()
    const said = await command('suspect', probe.device, '--since', since, '--state', state)
    expect(JSON.parse(said.out)).toEqual({ event: 'suspected', device: probe.device, since })

    const kept = (await collector.measurements()) as unknown as {
      measurement: { input: string }
      suspect?: true
    }[]
    expect(kept.map(({ measurement, suspect }) => [measurement.input, suspect])).toEqual([
      ['https://before.test/', undefined],
      ['https://after.test/', true],
    ])
    const plain = (await (await fetch(`${url}/api/v1/measurements`)).text()).split('\n').filter(Boolean)
    expect(plain.map((line) => JSON.parse(line).annotations.x_sonde_suspect)).toEqual([undefined, 'true'])
    const csv = (await command('export', '--csv', '--state', state)).out.split('\n')
    expect(csv.map((line) => line.split(',').at(-1))).toEqual(['suspect', 'false', 'true', ''])
    // A page that took long to make serves a little longer.
    const page = async () => (await (await fetch(`${url}/?lang=fr`)).text()).match(/SUSPECT/g)?.length ?? 0
    await expect.poll(page, { timeout: 20_000 }).toBe(1)

    const known = JSON.parse((await command('probes', '--json', '--state', state)).out).probes
    expect(known).toMatchObject([{ device: probe.device, suspect_since: since, revoked: false }])

    expect(await command('suspect', probe.device, '--undo', '--state', state)).toMatchObject({ code: 0 })
    await expect.poll(page, { timeout: 20_000 }).toBe(0)
    expect((await command('suspect', 'a'.repeat(32), '--state', state)).code).toBe(66)
    expect((await command('suspect', probe.device, '--since', 'yesterday', '--state', state)).code).toBe(64)
  } finally {
    await collector.stop()
  }
})
