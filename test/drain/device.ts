// A device that has measured for weeks: fills a spool, enrols, waits for a line on stdin, and then uploads as the agent
// does between cycles, until nothing waits. Says what it took. Enrols at a URL, and uploads there or, if they are given, over
// other ways.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { deliver } from '../../agent/cycle/deliver.ts'
import { readEnrolment, writeEnrolment } from '../../agent/enrolment/enrolment.ts'
import { recordTime, systemClock } from '../../agent/platform/clock.ts'
import { openIdentity } from '../../agent/platform/identity.ts'
import { openSpool } from '../../agent/spool/spool.ts'
import { enrol } from '../../agent/submit/enrol.ts'
import { Uplink } from '../../agent/submit/ways/uplink.ts'
import { wayMemoryIn } from '../../agent/submit/ways/way-memory.ts'
import { readToken } from '../../tests-spec/protocol/enrolment.ts'
import { sampleMeasurement } from '../support/sample-probe.ts'

const [, , folder = '', url = '', token = '', wantedBytes = '0', ways = ''] = process.argv
mkdirSync(folder, { recursive: true })
const clock = systemClock()
const signal = new AbortController().signal
const identity = await openIdentity(join(folder, 'device-key'))
const { record } = await enrol(url, token, identity, { silenceMs: 30_000, signal, now: clock.monotonicMs })
await writeEnrolment(join(folder, 'enrolment.json'), url, readToken(token)?.collectorKeyId ?? '', record)
const collector = readEnrolment(join(folder, 'enrolment.json'))
if (collector === null) throw new Error('Not enrolled')

const spool = await openSpool({
  dir: join(folder, 'spool'),
  clock,
  device: identity.device,
  privateKey: identity.privateKey,
  quotaBytes: 64_000_000,
  agentVersion: 'drain',
  lists: () => ({}),
})
// Nothing compresses these: as many bytes go as were asked for. Not awaited one by one: the spool commits in groups.
const kept: Promise<unknown>[] = []
for (let bytes = 0; bytes < Number(wantedBytes); bytes += 3_000) {
  const measurement = sampleMeasurement({
    input: `https://site.test/${randomBytes(2_250).toString('base64url')}`,
  })
  kept.push(spool.put({ class: 'routine', time: recordTime(clock), measurement }))
}
await spool.flush()
await Promise.all(kept)
while ((await spool.seal('age', collector.enrolmentDigest)) !== null);
const backlog = spool.stats()
const uplink = await Uplink.open({
  collectorKeyId: collector.collectorKeyId,
  collectorKey: collector.collectorKey,
  endpoints: ways === '' ? [{ kind: 'collector', url }] : JSON.parse(ways),
  memory: wayMemoryIn(join(folder, 'upload.json')),
  now: clock.monotonicMs,
  chance: Math.random,
  spreadMs: 0,
})

process.stdout.write('ready\n')
await once(process.stdin, 'data')
const begun = clock.monotonicMs()
const reasons: Record<string, number> = {}
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
let attempts = 0
for (;;) {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const delivery = await deliver({ spool, collector, uplink, log, signal, sleep, onReceipt: async () => {} })
  attempts += 1
  if (delivery.kind === 'delivered') break
  const reason = delivery.reason ?? 'none'
  reasons[reason] = (reasons[reason] ?? 0) + 1
  await sleep(delivery.retryAfterMs ?? 1_000)
}
const { sent, received } = uplink.spent
const { pendingBatches, quarantined, lost } = spool.stats()
const figures = {
  batches: backlog.pendingBatches,
  backlogBytes: backlog.pendingBytes,
  sent,
  received,
  seconds: (clock.monotonicMs() - begun) / 1000,
  connections: uplink.counts.reduce((sum, each) => sum + each.connected, 0),
  failures: uplink.counts.reduce((sum, each) => sum + each.failed, 0),
  attempts,
  reasons,
  left: { pendingBatches, quarantined, lost },
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
process.exit(0)
