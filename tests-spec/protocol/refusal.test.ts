// Signed refusals: which cost a probe its batch, and which must not.

import { generateKeyPairSync } from 'node:crypto'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { batchId } from './batch.ts'
import { EnvelopeRefused, type KeyLookup, keyIdOf, sealEnvelope } from './dsse.ts'
import { receiptType } from './receipt.ts'
import { openRefusal, type Refusal, refusalType, sealRefusal } from './refusal.ts'

const collector = generateKeyPairSync('ed25519')
const collectorId = keyIdOf(collector.publicKey)
const impostor = generateKeyPairSync('ed25519')
const pinned: KeyLookup = (id) => (id === collectorId ? collector.publicKey : null)

const content: Refusal = {
  v: 1,
  batch: v.parse(batchId, 'b'.repeat(64)),
  code: 'seq_conflict',
  at: 1_790_000_000_000,
  collector: collectorId,
}
const signed = (given: object, type = refusalType, by = collector.privateKey) =>
  sealEnvelope(type, Buffer.from(JSON.stringify(given)), collectorId, by)

describe('openRefusal()', () => {
  it('gives back what sealRefusal() signed, fields of a later day included', () => {
    expect(openRefusal(sealRefusal(content, collector.privateKey), pinned)).toEqual(content)
    expect(openRefusal(signed({ ...content, more: 1 }), pinned)).toMatchObject({ more: 1 })
  })

  it.each<[string, Buffer]>([
    ['a receipt, which the same key signs', signed(content, receiptType)],
    ['a word under the name of ours by another key', signed(content, refusalType, impostor.privateKey)],
    ['no envelope', Buffer.from(JSON.stringify(content))],
  ])('does not believe %s', (_, bytes) => {
    expect(() => openRefusal(bytes, pinned)).toThrow(EnvelopeRefused)
  })

  it.each<[string, object]>([
    ['no batch', { ...content, batch: null }],
    ['a batch that is no id', { ...content, batch: 'B' }],
    ['no code', { ...content, code: undefined }],
    ['another version', { ...content, v: 2 }],
  ])('does not take a signed word with %s', (_, given) => {
    expect(() => openRefusal(signed(given), pinned)).toThrow(v.ValiError)
  })
})
