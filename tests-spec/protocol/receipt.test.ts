// Receipts: which let a probe forget a batch, and which must not.

import { generateKeyPairSync } from 'node:crypto'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { batchId, deviceId, manifestType } from './batch.ts'
import { EnvelopeRefused, type KeyLookup, keyIdOf, sealEnvelope } from './dsse.ts'
import { openReceipt, type Receipt, receiptType, sealReceipt } from './receipt.ts'

const collector = generateKeyPairSync('ed25519')
const collectorId = keyIdOf(collector.publicKey)
const impostor = generateKeyPairSync('ed25519')
const pinned: KeyLookup = (id) => (id === collectorId ? collector.publicKey : null)

const content: Receipt = {
  v: 1,
  batch: v.parse(batchId, 'b'.repeat(64)),
  device: v.parse(deviceId, 'd'.repeat(32)),
  epoch: '0123456789abcdef01',
  seq: 5,
  status: 'stored',
  reason: null,
  at: 1_790_000_000_000,
  collector: collectorId,
  contiguous: 3,
  missing: [[4, 4]],
  nextAfterS: 0,
}

/** A receipt with this content, correctly signed. */
const signed = (change: (receipt: Receipt) => unknown, type = receiptType) =>
  sealEnvelope(type, Buffer.from(JSON.stringify(change(content))), collectorId, collector.privateKey)

describe('openReceipt()', () => {
  it('gives back what sealReceipt() signed', () => {
    expect(openReceipt(sealReceipt(content, collector.privateKey), pinned)).toEqual(content)
  })

  it('takes a receipt for a batch in quarantine, and one from before seq 0 came', () => {
    const other: Receipt = { ...content, status: 'quarantined', reason: 'unreadable', contiguous: null }
    expect(openReceipt(sealReceipt(other, collector.privateKey), pinned)).toEqual(other)
  })

  it('keeps fields of a later day', () => {
    expect(
      openReceipt(
        signed((r) => ({ ...r, log: { size: 1 } })),
        pinned,
      ),
    ).toMatchObject({ log: { size: 1 } })
  })

  const forged: readonly [what: string, code: string, bytes: Buffer][] = [
    ['the page of a captive portal', 'malformed', Buffer.from('<html>Please log in</html>')],
    ['an empty body', 'malformed', Buffer.alloc(0)],
    [
      'a receipt by a collector that is not ours',
      'unknown_key',
      sealReceipt({ ...content, collector: keyIdOf(impostor.publicKey) }, impostor.privateKey),
    ],
    [
      'a receipt by an impostor in our collector’s name',
      'bad_signature',
      sealReceipt(content, impostor.privateKey),
    ],
    ['a manifest in the place of a receipt, well signed', 'wrong_type', signed((r) => r, manifestType)],
  ]

  it.each(forged)('refuses %s (%s)', (_, code, bytes) => {
    expect(() => openReceipt(bytes, pinned)).toThrow(
      expect.objectContaining({ name: EnvelopeRefused.name, code }),
    )
  })

  const unfit: readonly [what: string, bytes: Buffer][] = [
    ['a version of a later day', signed((r) => ({ ...r, v: 2 }))],
    ['a status that keeps nothing', signed((r) => ({ ...r, status: 'seen' }))],
    ['no batch', signed(({ batch: _, ...r }) => r)],
    ['a batch that is no digest', signed((r) => ({ ...r, batch: 'all of them' }))],
    ['a pause below 0', signed((r) => ({ ...r, nextAfterS: -1 }))],
    ['more gaps than a receipt takes', signed((r) => ({ ...r, missing: Array(33).fill([0, 0]) }))],
    [
      'a body that is not JSON',
      sealEnvelope(receiptType, Buffer.from('ok'), collectorId, collector.privateKey),
    ],
  ]

  it.each(unfit)('refuses one that is signed and has %s', (_, bytes) => {
    expect(() => openReceipt(bytes, pinned)).toThrow()
  })
})
