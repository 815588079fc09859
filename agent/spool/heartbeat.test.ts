// A heartbeat goes with each batch, and alone when the probe has had nothing to send for long.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  enrolmentDigest,
  handClock,
  openSample,
  readPending,
  receiptFor,
  sampleEntry,
} from '../../test/support/sample-spool.ts'
import type { Heartbeat } from '../../tests-spec/data-formats/heartbeat.ts'
import type { Speaker } from './batches/seal.ts'

const hourMs = 3_600_000
/** A probe that has nothing else to say. */
const speaking = (heartbeat: () => Heartbeat): Speaker => ({
  say: () => ({ words: { heartbeat: heartbeat() }, isOwed: false, sealed: async () => {} }),
})

const said: Heartbeat = {
  v: 1,
  upS: 0,
  boots: 1,
  starts: 1,
  ended: 'first',
  link: 'up',
  rssMb: 50,
  freeMb: 1,
  oldestS: null,
  codes: [],
}

it('seal() puts what the probe says of itself into the manifest, asked anew each time', async () => {
  let upS = 0
  const speaker = speaking(() => ({ ...said, upS: upS++ }))
  const spool = await openSample(mkdtempSync(join(tmpdir(), 'sonde-spool-')), { speaker })
  for (const name of ['a', 'b']) {
    await spool.put(sampleEntry(name, 'anomaly'))
    await spool.seal('age', enrolmentDigest)
  }
  const batches = await readPending(spool)
  expect(batches.map(({ manifest }) => manifest.heartbeat)).toEqual([said, { ...said, upS: 1 }])
  await spool.close()
})

it('seal() makes a batch of nothing else after six hours of silence, once, and only to be sent', async () => {
  const clock = handClock()
  const dir = mkdtempSync(join(tmpdir(), 'sonde-spool-'))
  const spool = await openSample(dir, { clock, speaker: speaking(() => said) })
  clock.move(6 * hourMs - 1)
  expect(await spool.seal('age', enrolmentDigest)).toBeNull()
  clock.move(1)
  expect(await spool.seal('size', enrolmentDigest)).toBeNull()
  expect(await spool.seal('export', enrolmentDigest)).toBeNull()
  expect(await spool.seal('age', enrolmentDigest)).not.toBeNull()
  expect(await spool.seal('age', enrolmentDigest)).toBeNull()
  const [batch] = await readPending(spool)
  expect(batch).toMatchObject({ manifest: { records: { n: 0 }, heartbeat: said }, records: [] })
  if (batch !== undefined) await spool.receipted(receiptFor(batch))
  clock.move(6 * hourMs)
  expect(await spool.seal('age', enrolmentDigest)).not.toBeNull()
  await spool.close()
})

it('seal() makes none where no agent speaks', async () => {
  const clock = handClock()
  const spool = await openSample(mkdtempSync(join(tmpdir(), 'sonde-spool-')), { clock })
  clock.move(100 * hourMs)
  expect(await spool.seal('age', enrolmentDigest)).toBeNull()
  await spool.close()
})
