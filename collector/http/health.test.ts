// What a collector says of its own state: to whoever watches it, and in its log.

import { readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { SampleProbe, sampleMeasurement } from '../../test/support/sample-probe.ts'

describe('the collector', () => {
  let collector: SampleCollector
  let probe: SampleProbe
  beforeEach(async () => {
    collector = await SampleCollector.start()
    probe = new SampleProbe()
    await collector.enrol(probe)
  })
  afterEach(() => collector.remove())

  it('says that it is not well while no batch can be kept, and that it is when one was', async () => {
    const [folder, away] = [join(collector.state, 'batches'), join(collector.state, 'away')]
    const batch = probe.next()
    await rename(folder, away)
    expect((await collector.postBatch(batch)).status).toBe(500)
    const { status, body } = await collector.get('/healthz')
    expect(status).toBe(503)
    expect(JSON.parse(body.toString())).toMatchObject({ status: 'failing', intake: 'ENOENT' })
    await rename(away, folder)
    expect((await collector.postBatch(batch)).status).toBe(201)
    expect((await collector.get('/healthz')).status).toBe(200)
  })

  it('takes no more from a probe than its share of the disk, says so once, and goes on for others', async () => {
    await collector.restart(undefined, { shareBytes: 20_000 })
    const codes = new Set<string>()
    for (let n = 0; n < 8; n++) {
      const { status, body } = await collector.postBatch(probe.next())
      if (status !== 201) codes.add(`${status} ${JSON.parse(body.toString()).code}`)
    }
    expect([...codes]).toEqual(['507 over_share'])
    expect(collector.logged.filter(({ code }) => code === 'share_used_up')).toMatchObject([
      { level: 'error', device: probe.device },
    ])
    const other = new SampleProbe()
    await collector.enrol(other)
    expect((await collector.postBatch(other.next())).status).toBe(201)
    // What is held counts after a restart as well.
    await collector.restart(undefined, { shareBytes: 20_000 })
    expect((await collector.postBatch(probe.next())).status).toBe(507)
  })

  it('counts second contents for a seq to the share of their probe, after a restart as before', async () => {
    const first = probe.next()
    expect((await collector.postBatch(first)).status).toBe(201)
    const rival = { ...probe.after(null, [sampleMeasurement({ input: 'https://rival.test/' })]) }
    expect((await collector.postBatch(rival)).status).toBe(409)
    const shareBytes = first.bytes.length + rival.bytes.length + 2 * 4_096 + 1_000
    await collector.restart(undefined, { shareBytes })
    expect((await collector.postBatch(probe.next())).status).toBe(507)
    await rm(join(collector.state, 'conflicts'), { recursive: true })
    await collector.restart(undefined, { shareBytes: shareBytes + 4_096 })
    expect((await collector.postBatch(probe.next())).status).toBe(201)
  })

  it('says at its start that the record of a probe is gone whose batches it holds', async () => {
    expect((await collector.postBatch(probe.next())).status).toBe(201)
    await rm(join(collector.state, 'probes', `${probe.device}.json`))
    await collector.restart()
    expect(collector.logged).toContainEqual(
      expect.objectContaining({ level: 'error', code: 'probe_missing', device: probe.device, batches: 1 }),
    )
    expect((await collector.postBatch(probe.next())).status).toBe(401)
  })

  it('keeps its files for its user alone, and leaves nothing half written behind', async () => {
    const forgotten = join(collector.state, 'tokens', `.x.json.${'0'.repeat(12)}.tmp`)
    await writeFile(forgotten, '')
    await utimes(forgotten, 0, 0)
    await collector.restart()
    for (const path of await readdir(collector.state, { recursive: true })) {
      const { mode } = await stat(join(collector.state, path))
      expect({ path, others: mode & 0o077 }).toEqual({ path, others: 0 })
      expect(path).not.toMatch(/\.tmp$/)
    }
  })
})
