// What reaches the collector damaged, and what rots there: bodies of uploads, batch files, receipts, enrolment records,
// keys. Nothing rotten is taken, shown or signed for, nothing beside it is lost, and what its probe still has is mended.

import { mkdtempSync, rmSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TokenBox } from '../../collector/archive/token-box.ts'
import { type Collector, openCollector } from '../../collector/collector.ts'
import { statusOf } from '../../collector/intake/refusal.ts'
import { openLog } from '../../collector/log.ts'
import { BatchRefused, verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { type SampleBatch, SampleProbe, sampleMeasurement } from '../support/sample-probe.ts'
import { damaged, deep, Tally } from './damages.ts'

const dir = mkdtempSync(join(tmpdir(), 'sonde-rot-'))
const tally = new Tally('bodies and files of a collector')
afterAll(() => {
  console.info(tally.line)
  rmSync(dir, { recursive: true })
})

interface Opened {
  readonly collector: Collector
  readonly alarms: string[]
}

async function open(state: string): Promise<Opened> {
  const alarms: string[] = []
  const log = openLog((line) => alarms.push(JSON.parse(line).code), Date.now, 'error')
  return { collector: await openCollector({ state, log, now: Date.now, openIndex: null }), alarms }
}

const state = join(dir, 'state')
const probes = [new SampleProbe(), new SampleProbe()]
const sent: SampleBatch[] = []
let next: SampleBatch
let running: Opened

beforeAll(async () => {
  running = await open(state)
  const { collector } = running
  const tokens = await TokenBox.open(state)
  for (const probe of probes) {
    const token = await tokens.issue(collector.key.id, Date.now())
    probe.enrolled(await collector.desk.enrol(probe.enrolmentRequest(token)))
    for (let i = 0; i < 4; i++) {
      const batch = probe.next(
        Array.from({ length: 1 + i * 5 }, (_, n) => sampleMeasurement({ input: `https://${n}.test/` })),
      )
      await collector.intake.accept(batch.bytes)
      sent.push(batch)
    }
  }
  next = (probes[0] as SampleProbe).next(
    Array.from({ length: 60 }, (_, n) => sampleMeasurement({ input: `https://${n}.test/` })),
  )
})
afterAll(() => running.collector.stop())

const fileOf = ({ id }: SampleBatch, kind: string) => join('batches', id.slice(0, 2), `${id}.${kind}`)
const deviceOf = ({ manifest }: SampleBatch) => manifest.device
const pick = <T>(from: readonly T[], chance: () => number) => from[Math.floor(chance() * from.length)] as T

/** A verified receipt for `batch`, or what is wrong with it. */
function receiptFault({ key }: Collector, batch: SampleBatch, bytes: Buffer | null): string | null {
  if (bytes === null) return 'there is none'
  try {
    const { batch: id } = openReceipt(bytes, (keyId) => (keyId === key.id ? key.publicKey : null))
    return id === batch.id ? null : `it is for ${id}`
  } catch (error) {
    return String(error)
  }
}

describe('the body of an upload', () => {
  const cases = deep ? 1_500 : 150
  it(`is refused with a code and leaves nothing, in ${cases} damages`, { timeout: 300_000 }, async () => {
    const { collector } = running
    await tally.run(cases, async (name, chance) => {
      const { what, bytes } = damaged(next.bytes, chance)
      let refused: unknown = null
      try {
        await collector.intake.accept(bytes)
      } catch (error) {
        refused = error
      }
      const stored = await collector.archive.has(next.id)
      if (bytes.equals(next.bytes)) {
        if (!stored) tally.undamagedLost.push(`${name}, ${what}`)
      } else if (stored || !(refused instanceof BatchRefused)) {
        // A signature that was spelt another way signs the same bytes.
        const same = stored && verifyBatch(bytes, () => probes[0]?.publicKey ?? null).id === next.id
        if (!same) tally.corruptAccepted.push(`${name}, ${what}: ${refused}`)
      } else {
        expect(statusOf[refused.code]).toBeGreaterThanOrEqual(400)
      }
      // As if it had never come.
      if (stored) {
        rmSync(join(state, fileOf(next, 'psb')))
        rmSync(join(state, fileOf(next, 'receipt.json')), { force: true })
      }
    })
    expect(tally.corruptAccepted).toEqual([])
    expect(tally.undamagedLost).toEqual([])
  })
})

describe('a batch file or a receipt that rots while the collector runs', () => {
  const cases = deep ? 1_200 : 80
  it(`is never signed for again, and is mended when the batch comes again, in ${cases} damages`, {
    timeout: 300_000,
  }, async () => {
    const { collector, alarms } = running
    await tally.run(cases, async (name, chance) => {
      const batch = pick(sent, chance)
      const kind = chance() < 0.5 ? 'psb' : 'receipt.json'
      const path = join(state, fileOf(batch, kind))
      const whole = await readFile(path)
      const { what, bytes } = damaged(whole, chance)
      await writeFile(path, bytes)
      alarms.length = 0

      const asked = await collector.intake.receipt(batch.id)
      const gone = kind === 'psb' && !(await collector.archive.isWhole(batch.id))
      // A probe that has the receipt forgets the batch.
      if (asked !== null && gone)
        tally.corruptAccepted.push(`${name}, ${what}: a receipt for a batch that is gone`)
      const fault = asked === null ? null : receiptFault(collector, batch, asked)
      if (fault !== null) tally.corruptAccepted.push(`${name}, ${what}: ${fault}`)
      if (asked === null && !gone)
        tally.undamagedLost.push(`${name}, ${what}: no receipt for a batch that is there`)

      const again = await collector.intake.accept(batch.bytes)
      expect(again.kind).toBe('duplicate')
      expect(receiptFault(collector, batch, again.receipt)).toBeNull()
      expect(await collector.archive.isWhole(batch.id)).toBe(true)
      if (gone) expect(alarms).toContain('archive_damaged')
      const content = await collector.archive.content(batch.id)
      expect(content?.fault).toBeNull()
      await writeFile(path, whole)
    })
    expect(tally.corruptAccepted).toEqual([])
    expect(tally.undamagedLost).toEqual([])
  })
})

describe('a state folder of which one file has rotted', () => {
  const cases = deep ? 200 : 6
  it(`starts, alarms, has all that is whole, and takes back what was lost, in ${cases} damages`, {
    timeout: 300_000,
  }, async () => {
    await tally.run(cases, async (name, chance, i) => {
      const copy = join(dir, `copy-${i}`)
      await cp(state, copy, { recursive: true })
      const batch = pick(sent, chance)
      const file = pick(
        [fileOf(batch, 'psb'), fileOf(batch, 'receipt.json'), join('probes', `${deviceOf(batch)}.json`)],
        chance,
      )
      const whole = await readFile(join(copy, file))
      const { what, bytes } = damaged(whole, chance)
      await writeFile(join(copy, file), bytes)

      const { collector, alarms } = await open(copy)
      const unknown = file.startsWith('probes') && collector.probes.get(deviceOf(batch)) === null
      // Spelt another way, a record is still what was signed.
      const digest = (each: Collector) => each.probes.get(deviceOf(batch))?.digest
      if (unknown) expect(alarms).toContain('probe_damaged')
      else if (digest(collector) !== digest(running.collector)) tally.corruptAccepted.push(`${name}, ${what}`)
      if (unknown && bytes.equals(whole)) tally.undamagedLost.push(`${name}, ${what}`)
      for (const each of sent) {
        const rotten = file.endsWith('.psb') && each.id === batch.id
        const content = await collector.archive.content(each.id).catch(() => null)
        const readable = content !== null && content.fault === null
        if (!readable && !rotten) tally.undamagedLost.push(`${name}, ${what}: ${each.id}`)
        if (readable && content.manifest.seq !== each.manifest.seq)
          tally.corruptAccepted.push(`${name}, ${what}`)
        if (unknown && deviceOf(each) === deviceOf(batch)) {
          await expect(collector.intake.accept(each.bytes)).rejects.toMatchObject({ code: 'unknown_key' })
          continue
        }
        const { receipt } = await collector.intake.accept(each.bytes)
        expect(receiptFault(collector, each, receipt)).toBeNull()
        expect(await collector.archive.isWhole(each.id)).toBe(true)
      }
      await collector.stop()
      await rmSync(copy, { recursive: true })
    })
    expect(tally.corruptAccepted).toEqual([])
    expect(tally.undamagedLost).toEqual([])
  })

  it('does not start with a key that is not what it was', { timeout: 60_000 }, async () => {
    const copy = join(dir, 'copy-key')
    await cp(state, copy, { recursive: true })
    const path = join(copy, 'collector-key')
    const whole = await readFile(path)
    await tally.run(deep ? 200 : 20, async (name, chance) => {
      const { what, bytes } = damaged(whole, chance)
      await writeFile(path, bytes)
      const opened = await open(copy).catch((error) => error)
      if (opened instanceof Error) {
        expect(opened).toMatchObject({ code: 'key_unusable' })
        if (bytes.equals(whole)) tally.undamagedLost.push(`${name}, ${what}`)
        return
      }
      if (opened.collector.key.id !== running.collector.key.id) tally.corruptAccepted.push(`${name}, ${what}`)
      await opened.collector.stop()
    })
    expect(tally.corruptAccepted).toEqual([])
    expect(tally.undamagedLost).toEqual([])
  })
})
