// From the spool to a stick, to a real collector, and back: what is written, what is forgotten, and what a stick that
// is full of other files, damaged or forged can do to both.

import { generateKeyPairSync } from 'node:crypto'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { importStick } from '../../collector/commands/import-stick.ts'
import { cases, seed } from '../../test/support/fuzzing.ts'
import { hostileBytes } from '../../test/support/mutations.ts'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import {
  closeDevices,
  folder,
  type StickDevice,
  secretWord,
  stickDevice,
} from '../../test/support/stick-device.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { openReceipt, sealReceipt } from '../../tests-spec/protocol/receipt.ts'
import { joinLines, splitLines } from '../../tests-spec/protocol/sealed.ts'
import { carry } from './carry.ts'
import { Stick } from './stick.ts'

let collector: SampleCollector
let device: StickDevice
let stick: string
beforeAll(async () => {
  collector = await SampleCollector.start()
})
afterAll(() => collector.remove())
afterEach(closeDevices)
beforeEach(async () => {
  device = await stickDevice(collector)
  stick = folder('stick')
})

const atCollector = () => importStick(stick, (bytes) => collector.collector.sealedIntake.take(bytes))
const idsOf = ({ spool }: StickDevice) => spool.pending().map(({ id }) => id)
const sealedFiles = () => readdirSync(stick).filter((name) => name.endsWith('.age'))
const lineOf = (batch: string) => collector.collector.archive.receipt(batch as never)

describe('exportBatches()', () => {
  it('seals what is in no batch yet, and forgets nothing', async () => {
    await device.measure(3)
    void device.spool.put({
      class: 'anomaly',
      time: { wall_ms: 1, boot: 'b', mono_ms: 1, clock: 'synced' },
      measurement: {} as never,
    })
    const report = await device.export(stick)
    expect(report).toMatchObject({ batches: 2, there: 0, damaged: [], sealed: true })
    expect(device.spool.stats()).toMatchObject({ unsealed: 0, pendingBatches: 2 })
  })

  it('writes plain names and sealed bytes: nothing of what was measured, or by whom', async () => {
    await device.batches(3)
    await device.export(stick)
    for (const name of readdirSync(stick)) {
      expect(name).toMatch(/^[0-9a-f]{8}\.age$/)
      const bytes = readFileSync(join(stick, name))
      for (const word of [secretWord, device.device, 'sonde', 'PSB1', ...idsOf(device)])
        expect(bytes.includes(word)).toBe(false)
    }
  })

  it('bounds a file by size, by number of batches, and lets one that is large stand alone', async () => {
    await device.batches(18)
    await device.measure(1, 150_000)
    await device.measure(1, 70_000)
    const { files } = await device.export(stick)
    const sizes = files.map((name) => readFileSync(join(stick, name)).length)
    expect(files).toHaveLength(4)
    expect(sizes.filter((size) => size > 132_000)).toHaveLength(1)
    expect(await atCollector()).toMatchObject({ complete: true, receipts: 20 })
  })

  it('writes nothing twice on one stick, and everything again on another', async () => {
    await device.batches(4)
    const first = await device.export(stick)
    await device.batches(1)
    expect(await device.export(stick)).toMatchObject({ batches: 1, there: 4 })
    expect(first.files.every((name) => sealedFiles().includes(name))).toBe(true)
    const other = folder('stick')
    expect(await device.export(other)).toMatchObject({ batches: 5, there: 0 })
    expect(await device.export(stick)).toMatchObject({ batches: 0, there: 5 })
  })

  it('writes again what the stick has lost or spoiled, and leaves the spoiled file where it is', async () => {
    await device.batches(2, 90_000)
    const { files } = await device.export(stick)
    const [cut = '', gone = ''] = files
    expect(files).toHaveLength(2)
    truncateSync(join(stick, cut), 500)
    rmSync(join(stick, gone))
    expect(await device.export(stick)).toMatchObject({ batches: 2, there: 0, damaged: [cut] })
    expect(sealedFiles()).toContain(cut)
    expect(await atCollector()).toMatchObject({ receipts: 2 })
  })

  it('clears away what it had half written when the stick was pulled, and touches nothing else', async () => {
    await device.batches(1)
    const [name = ''] = (await device.export(stick)).files
    renameSync(join(stick, name), join(stick, `${name}.tmp`))
    writeFileSync(join(stick, 'thesis.tmp'), 'mine')
    expect(await device.export(stick)).toMatchObject({ batches: 1 })
    expect(readdirSync(stick).filter((each) => each.endsWith('.tmp'))).toEqual(['thesis.tmp'])
  })

  it('exports all the same when its own notes are gone, torn, or cannot be kept', async () => {
    await device.batches(1)
    await device.export(stick)
    writeFileSync(join(device.state, 'exports.json'), '{"files":[{"na')
    expect(await device.export(stick)).toMatchObject({ batches: 1 })
    rmSync(join(device.state, 'exports.json'))
    mkdirSync(join(device.state, 'exports.json', 'in-the-way'), { recursive: true })
    expect(await device.export(stick)).toMatchObject({ batches: 1 })
    expect(await atCollector()).toMatchObject({ complete: true })
  })

  it('says what to do where there is no stick', () => {
    expect(() => Stick.open(join(stick, 'not-there'))).toThrow(
      expect.objectContaining({ code: 'stick_unusable', exitCode: 74 }),
    )
  })
})

describe('importReceipts()', () => {
  it('forgets exactly what the receipts name, and takes its own finished files off the stick', async () => {
    await device.batches(2)
    await device.export(stick)
    await atCollector()
    await device.batches(1)
    const [late] = idsOf(device).slice(-1)
    const report = await device.import(stick)
    expect(report).toMatchObject({ known: 0, foreign: 0, refused: [], pending: 1 })
    expect(report.forgotten).toHaveLength(2)
    expect(idsOf(device)).toEqual([late])
    expect(report.removed).toHaveLength(1)
    expect(sealedFiles()).toEqual([])
    expect(device.receipts.map(({ recipient }) => recipient)).toEqual(
      Array(2).fill(collector.collector.recipient),
    )
    expect(await device.import(stick)).toMatchObject({ forgotten: [], known: 2, pending: 1 })
  })

  it('keeps a file on the stick while one batch in it still waits', async () => {
    await device.batches(2)
    await device.export(stick)
    await atCollector()
    const [name = ''] = readdirSync(stick).filter((each) => each.endsWith('.rcp'))
    const [first = Buffer.alloc(0)] = splitLines(readFileSync(join(stick, name)))
    writeFileSync(join(stick, name), joinLines([first]))
    expect(await device.import(stick)).toMatchObject({ pending: 1, removed: [] })
    expect(sealedFiles()).toHaveLength(1)
  })

  it('passes over the receipts of others, and they find theirs on the same stick', async () => {
    const other = await stickDevice(collector)
    for (const each of [device, other]) {
      await each.batches(2)
      await each.export(stick)
    }
    await atCollector()
    expect(await device.import(stick)).toMatchObject({ foreign: 2, pending: 0 })
    expect(await other.import(stick)).toMatchObject({ foreign: 2, pending: 0 })
  })

  it('believes no receipt that its own collector has not signed for it', async () => {
    await device.batches(1)
    const [batch] = idsOf(device)
    const impostor = generateKeyPairSync('ed25519')
    const good = openReceipt(
      (await receiptElsewhere()) ?? Buffer.alloc(0),
      () => collector.collector.key.publicKey,
    )
    const forged = { ...good, batch: batch as never, device: device.device }
    const lines = [
      sealReceipt(forged, impostor.privateKey),
      sealReceipt({ ...forged, collector: keyIdOf(impostor.publicKey) }, impostor.privateKey),
      // The receipt is truly signed, and is for a batch of another probe that has our batch's id.
      sealReceipt({ ...forged, device: good.device }, collector.collector.key.privateKey),
      Buffer.from('{"batch":1}'),
      Buffer.from(`<html>${batch}</html>`),
    ]
    writeFileSync(join(stick, 'forged.rcp'), joinLines(lines))
    writeFileSync(join(stick, 'long.RCP'), Buffer.alloc(2_000_000, 'x'))
    expect(await device.import(stick)).toMatchObject({ forgotten: [], foreign: 5, unreadable: ['long.RCP'] })
    expect(idsOf(device)).toEqual([batch])
  })

  /** A receipt that the collector truly gave, to another probe. */
  async function receiptElsewhere(): Promise<Buffer | null> {
    const other = await stickDevice(collector)
    await other.batches(1)
    const elsewhere = folder('stick')
    await other.export(elsewhere)
    const [id] = idsOf(other)
    await importStick(elsewhere, (bytes) => collector.collector.sealedIntake.take(bytes))
    return lineOf(id ?? '')
  }

  it('forgets nothing on the word of a receipt that was damaged, however', async () => {
    await device.batches(1)
    const before = idsOf(device)
    await device.export(stick)
    await atCollector()
    const [name = ''] = readdirSync(stick).filter((each) => each.endsWith('.rcp'))
    const good = readFileSync(join(stick, name))
    const [line = Buffer.alloc(0)] = splitLines(good)
    let undamaged = 0
    await fc.assert(
      fc.asyncProperty(hostileBytes(line), async (bytes) => {
        // An edit may leave unchanged what is signed: base64 and JSON can write the same content in several ways.
        if (JSON.stringify(signedPart(bytes)) === JSON.stringify(signedPart(line))) undamaged++
        else expect(await device.access.receipted(bytes)).toBe(false)
      }),
      { numRuns: cases(150, 4_000), seed },
    )
    expect(undamaged).toBeLessThan(cases(150, 4_000) / 2)
    expect(idsOf(device)).toEqual(before)
    writeFileSync(join(stick, name), good)
    expect(await device.import(stick)).toMatchObject({ pending: 0 })
  })

  it('takes what is doubled, in one file and in several, once', async () => {
    await device.batches(1)
    await device.export(stick)
    await atCollector()
    const [name = ''] = readdirSync(stick).filter((each) => each.endsWith('.rcp'))
    const line = readFileSync(join(stick, name))
    appendFileSync(join(stick, name), line)
    writeFileSync(join(stick, 'COPY.RCP'), line)
    const report = await device.import(stick)
    expect(report.forgotten).toHaveLength(1)
    expect(report.known).toBe(0)
  })

  it('keeps aside what the collector says it will never take, and begins a new epoch', async () => {
    const twin = await device.clone()
    await twin.batches(1)
    await twin.export(stick)
    await atCollector()
    await device.batches(1)
    const [conflicting] = idsOf(device)
    const { epoch } = device.spool.stats()
    await device.export(stick)
    expect(await atCollector()).toMatchObject({ complete: false })
    expect(await device.import(stick)).toMatchObject({
      forgotten: [],
      refused: [{ batch: conflicting, code: 'seq_conflict' }],
      pending: 0,
    })
    expect(device.spool.stats()).toMatchObject({ quarantined: 1 })
    expect(device.spool.stats().epoch).not.toBe(epoch)
    // It leaves with the next stick all the same: a person may look at it, and nothing says that it stays refused.
    expect(await device.export(folder('another-stick'))).toMatchObject({ batches: 1 })
  })

  it('forgets a batch that was set aside when a receipt for it comes after all', async () => {
    await device.batches(1)
    const [id] = idsOf(device)
    if (id === undefined) throw new Error('Nothing was sealed')
    await device.spool.quarantine(id, 'chain_broken: said by mistake')
    expect(await device.export(stick)).toMatchObject({ batches: 1 })
    await atCollector()
    expect(await device.import(stick)).toMatchObject({ forgotten: [id], pending: 0 })
    expect(device.spool.stats()).toMatchObject({ quarantined: 0, lost: 0 })
    await expect(device.spool.read(id)).rejects.toThrow()
  })

  it('lets a batch wait that was refused for the day and not for itself', async () => {
    await device.batches(1)
    await device.export(stick)
    const [id] = idsOf(device)
    // On that day the collector could not read the probe's enrolment record.
    const record = join(collector.state, 'probes', `${device.device}.json`)
    const kept = readFileSync(record)
    writeFileSync(record, 'torn')
    await collector.restart()
    await atCollector()
    expect(await device.import(stick)).toMatchObject({
      refused: [{ batch: id, code: 'unknown_key' }],
      pending: 1,
    })
    writeFileSync(record, kept)
    await collector.restart()
    await atCollector()
    expect(await device.import(stick)).toMatchObject({ forgotten: [id], refused: [], pending: 0 })
  })
})

function signedPart(bytes: Buffer): unknown {
  try {
    const { payloadType, payload, signatures } = JSON.parse(bytes.toString('utf8'))
    const sigs = signatures.map(({ keyid, sig }: { keyid: string; sig: string }) => [
      keyid,
      Buffer.from(sig, 'base64').toString('hex'),
    ])
    return [payloadType, Buffer.from(payload, 'base64').toString('hex'), sigs]
  } catch {
    return null
  }
}

describe('carry()', () => {
  it('takes what others sealed, once, and neither its own nor what is damaged', async () => {
    const carrier = await stickDevice(collector)
    await device.batches(2, 90_000)
    const [, cut = ''] = (await device.export(stick)).files
    await carrier.batches(1)
    await carrier.export(stick)
    truncateSync(join(stick, cut), 500)
    writeFileSync(join(stick, 'letter.age'), 'Dear friend')
    const first = await carry(Stick.open(stick), carrier.carried, await carrier.ledger())
    expect(first).toMatchObject({ own: 1, known: 0, noRoom: [], waiting: 1, receipts: 0 })
    expect(first.taken).toHaveLength(1)
    expect(new Set(first.passedOver)).toEqual(new Set([cut, 'letter.age']))
    expect(await carry(Stick.open(stick), carrier.carried, await carrier.ledger())).toMatchObject({
      taken: [],
      known: 1,
    })
  })
})
