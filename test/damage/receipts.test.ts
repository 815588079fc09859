// Receipts that come damaged, over a line or on a stick: none of them makes the spool forget a batch, and one that is
// whole is honoured whatever stands around it.

import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSpoolAccess } from '../../agent/assemble/open-spool-access.ts'
import type { Collector } from '../../agent/enrolment/enrolment.ts'
import type { Spool } from '../../agent/spool/spool.ts'
import { outcomeOf } from '../../agent/submit/answer.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { sealReceipt } from '../../tests-spec/protocol/receipt.ts'
import { joinLines, splitLines } from '../../tests-spec/protocol/sealed.ts'
import {
  type OpenedBatch,
  openSample,
  receiptFor,
  sampleDevice,
  sampleEntry,
  sealAll,
} from '../support/sample-spool.ts'
import { SimulatedDisk } from '../support/simulated-disk.ts'
import { damaged, deep, Tally } from './damages.ts'

const tally = new Tally('receipts')
afterAll(() => console.info(tally.line))

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const collectorKeyId = keyIdOf(publicKey)
const collector = { collectorKeyId, collectorKey: publicKey } as Collector

let spool: Spool
let batches: OpenedBatch[] = []
let receipts: Buffer[]
beforeAll(async () => {
  spool = await openSample('/state/spool', { disk: new SimulatedDisk() })
  for (let i = 0; i < 6; i++) {
    await spool.put(sampleEntry(`record-${i}`, 'anomaly'))
    batches = await sealAll(spool)
  }
  receipts = batches.map((batch) =>
    sealReceipt({ ...receiptFor(batch), collector: collectorKeyId }, privateKey),
  )
})
afterAll(() => spool.close())

/** A receipt is whole when it says what it said, however it is spelt. */
describe('an answer with a damaged receipt', () => {
  const cases = deep ? 2_000 : 300
  it(`makes nobody forget anything, in ${cases} damages`, async () => {
    await tally.run(cases, (name, chance, i) => {
      const [batch, whole] = [batches[i % batches.length], receipts[i % receipts.length]]
      if (batch === undefined || whole === undefined) throw new Error('There is no such batch')
      const { what, bytes } = damaged(whole, chance)
      const answer = { status: 201, body: bytes, retryAfterMs: null } as Parameters<typeof outcomeOf>[0]
      const outcome = outcomeOf(answer, batch.id, collector)
      if (outcome.kind === 'accepted') {
        const said = { ...receiptFor(batch), collector: collectorKeyId }
        if (JSON.stringify(outcome.receipt) !== JSON.stringify(said))
          tally.corruptAccepted.push(`${name}, ${what}`)
      } else {
        expect(outcome.kind).toBe('deferred')
        if (bytes.equals(whole)) tally.undamagedLost.push(`${name}, ${what}`)
      }
    })
    expect(tally.corruptAccepted).toEqual([])
    expect(tally.undamagedLost).toEqual([])
  })
})

describe('a damaged file of receipts on a stick', () => {
  const cases = deep ? 1_000 : 100
  it(`is good for the lines that are whole, and for no other, in ${cases} damages`, async () => {
    const access = openSpoolAccess(
      { ...asIs(spool), receipted: async ({ batch }) => void forgotten.add(batch) },
      collector,
      sampleDevice,
    )
    const forgotten = new Set<string>()
    const file = Buffer.from(joinLines(receipts))
    await tally.run(cases, async (name, chance) => {
      forgotten.clear()
      const { what, bytes } = damaged(file, chance)
      const lines = splitLines(bytes)
      for (const line of lines) await access.receipted(line)
      for (const [i, receipt] of receipts.entries()) {
        const there = lines.some((line) => receipt.equals(line))
        const id = batches[i]?.id ?? ''
        if (there && !forgotten.has(id)) tally.undamagedLost.push(`${name}, ${what}: ${id}`)
        // Spelt another way it still says the same, and is still signed: then this line is one of ours.
        if (!there && forgotten.has(id) && !lines.some((line) => saysTheSame(line, receipt)))
          tally.corruptAccepted.push(`${name}, ${what}: ${id}`)
      }
    })
    expect(tally.corruptAccepted).toEqual([])
    expect(tally.undamagedLost).toEqual([])
    expect(spool.pending()).toHaveLength(batches.length)
  })
})

/** The spool, with nothing in it ever forgotten: the next case begins as this one did. */
function asIs(whole: Spool): Spool {
  return {
    put: (entry) => whole.put(entry),
    flush: () => whole.flush(),
    seal: (why, digest) => whole.seal(why, digest),
    pending: () => whole.pending(),
    aside: () => whole.aside(),
    read: (id) => whole.read(id),
    receipted: (receipt) => whole.receipted(receipt),
    quarantine: (id, reason) => whole.quarantine(id, reason),
    stats: () => whole.stats(),
    close: () => whole.close(),
  }
}

function saysTheSame(line: Uint8Array, receipt: Buffer): boolean {
  try {
    const payload = (bytes: Uint8Array) =>
      Buffer.from(JSON.parse(Buffer.from(bytes).toString('utf8')).payload, 'base64').toString('latin1')
    return payload(line) === payload(receipt)
  } catch {
    return false
  }
}
