// The collector as a power cut finds it: probes enrol, batches arrive several at once and are receipted, some twice,
// some as a second content for a seq that is taken.

import { join } from 'node:path'
import * as v from 'valibot'
import { TokenBox } from '../../collector/archive/token-box.ts'
import { type Collector, openCollector } from '../../collector/collector.ts'
import { verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { type SampleBatch, SampleProbe, sampleMeasurement } from '../support/sample-probe.ts'
import { breathe, type Say, type Writer } from './writer.ts'

const probesALife = 4

const word = v.union([
  /** Id of the collector's key: tokens that name it are out. */
  v.object({ key: v.string() }),
  /** A probe has its record, base64. */
  v.object({ enrolled: v.string(), device: v.string() }),
  /** A probe has the receipt and may have forgotten the batch; both base64. */
  v.object({ batch: v.string(), receipt: v.string() }),
])

export const collectorWriter: Writer = {
  async write(dir, _life, say) {
    const { collector } = await start(dir)
    say({ key: collector.key.id })
    await Promise.all(Array.from({ length: probesALife }, () => send(collector, dir, say)))
    throw new Error('A probe has stopped sending')
  },

  async check(dir, said) {
    const words = said.map((each) => v.parse(word, each))
    const { collector, alarms } = await start(dir)
    const faults = alarms.map((alarm) => `the collector found: ${alarm}`)
    for (const each of words) {
      if ('key' in each && each.key !== collector.key.id) faults.push('the key is another')
      if ('enrolled' in each) faults.push(...enrolmentFaults(collector, each.device, each.enrolled))
      if ('batch' in each) {
        faults.push(...(await receiptFaults(collector, from64(each.batch), from64(each.receipt))))
      }
    }
    const places = new Set<string>()
    for (const scanned of collector.archive.scan()) {
      if (scanned.kind !== 'batch') continue
      const { device, epoch, seq } = scanned.batch.manifest
      const content = await collector.archive.content(scanned.batch.id)
      if (content === null || content.fault !== null) faults.push(`batch ${scanned.batch.id} is corrupt`)
      if (places.has(`${device} ${epoch} ${seq}`)) faults.push(`seq ${seq} of ${device} has two contents`)
      places.add(`${device} ${epoch} ${seq}`)
    }
    await collector.stop()
    return faults
  },
}

async function start(dir: string): Promise<{ collector: Collector; alarms: string[] }> {
  const alarms: string[] = []
  const alarm = (fields: { code?: string }, text: string) => void alarms.push(`${fields.code}: ${text}`)
  const silent = () => {}
  const log = { info: silent, warn: silent, debug: silent, error: alarm } as unknown as Collector['log']
  const settings = { state: join(dir, 'state'), log, now: Date.now, openIndex: null }
  return { collector: await openCollector(settings), alarms }
}

async function send(collector: Collector, dir: string, say: Say): Promise<void> {
  const probe = new SampleProbe()
  const tokens = await TokenBox.open(join(dir, 'state'))
  const token = await tokens.issue(collector.key.id, Date.now())
  const record = await collector.desk.enrol(probe.enrolmentRequest(token))
  probe.enrolled(record)
  say({ enrolled: record.toString('base64'), device: probe.device })
  let last: SampleBatch | null = null
  for (let i = 0; ; i++) {
    const batch = probe.next(
      Array.from({ length: 1 + (i % 40) }, () => sampleMeasurement({ input: `https://${i}.test/` })),
    )
    const { receipt } = await collector.intake.accept(batch.bytes)
    say({ batch: batch.bytes.toString('base64'), receipt: receipt.toString('base64') })
    // The receipt was lost on its way.
    if (i % 7 === 3) await collector.intake.accept(batch.bytes)
    // A copied card: another content for the seq that was just taken.
    if (i % 11 === 5)
      await collector.intake.accept(probe.after(last, []).bytes).catch(refusedAs('seq_conflict'))
    last = batch
    await breathe()
  }
}

function enrolmentFaults({ probes }: Collector, device: string, record: string): string[] {
  const found = probes.get(device)?.record.toString('base64')
  if (found === undefined) return [`probe ${device} was enrolled and is unknown`]
  return found === record ? [] : [`probe ${device} has another record`]
}

/** A batch whose receipt is out is there, with that receipt, and keeps its place against any other. */
async function receiptFaults({ key, archive, intake, probes }: Collector, bytes: Buffer, receipt: Buffer) {
  const { id, manifest } = verifyBatch(bytes, (device) => probes.get(device)?.publicKey ?? null)
  const { batch } = openReceipt(receipt, (keyId) => (keyId === key.id ? key.publicKey : null))
  if (batch !== id) return [`the receipt of ${id} is for ${batch}`]
  if (!(await archive.has(id))) return [`batch ${id} was receipted and is gone`]
  const again = await intake.accept(bytes)
  if (again.kind !== 'duplicate')
    return [`batch ${id}, seq ${manifest.seq}, was receipted and is taken for new`]
  return again.receipt.equals(receipt) ? [] : [`batch ${id} gets another receipt the second time`]
}

function refusedAs(code: string) {
  return (error: unknown) => {
    if ((error as { code?: string }).code !== code) throw error
  }
}

function from64(text: string): Buffer {
  return Buffer.from(text, 'base64')
}
