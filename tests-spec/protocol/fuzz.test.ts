// Batches, words of a collector and their JSON, as strangers send them: read whole, or refused with an error of ours.

import { generateKeyPairSync } from 'node:crypto'
import { ValiError } from 'valibot'
import { describe, expect, it } from 'vitest'
import { cases, fuzz, fuzzTimeoutMs, manyInputs } from '../../test/support/fuzzing.ts'
import { hostileBytes } from '../../test/support/mutations.ts'
import { SampleProbe } from '../../test/support/sample-probe.ts'
import { BatchRefused, verifyBatch } from './batch.ts'
import { EnvelopeRefused, keyIdOf } from './dsse.ts'
import { openReceipt, type Receipt, sealReceipt } from './receipt.ts'
import { openRefusal, sealRefusal } from './refusal.ts'
import { parseStrictJson } from './strict-json.ts'

const probe = new SampleProbe()
const batch = probe.nextOf(Buffer.from('payload'))
const collector = generateKeyPairSync('ed25519')
const collectorId = keyIdOf(collector.publicKey)
const signed = { batch: batch.id, at: 1_790_000_000_000, collector: collectorId, v: 1 } as const
const receipt: Receipt = {
  ...signed,
  device: probe.device,
  epoch: batch.manifest.epoch,
  seq: batch.manifest.seq,
  status: 'stored',
  reason: null,
  contiguous: 0,
  missing: [],
  nextAfterS: 0,
}
const keyOf = (id: string) => (id === collectorId ? collector.publicKey : null)

/** @returns What was read; null when it was refused with an error of ours. */
function readOr(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    const isOurs =
      error instanceof EnvelopeRefused || error instanceof BatchRefused || error instanceof ValiError
    if (isOurs || error instanceof SyntaxError) return null
    throw error
  }
}

describe('of strangers', () => {
  it(
    'batches are refused, or are the batch that was signed',
    () => {
      fuzz(hostileBytes(batch.bytes), cases(2_000, manyInputs), (bytes) => {
        const read = readOr(() => verifyBatch(bytes, (id) => (id === probe.device ? probe.publicKey : null)))
        if (read !== null) expect(read).toMatchObject({ id: batch.id })
      })
    },
    fuzzTimeoutMs,
  )

  it(
    'receipts are refused, or say what was signed',
    () => {
      const bytes = sealReceipt(receipt, collector.privateKey)
      const whole = openReceipt(bytes, keyOf)
      fuzz(hostileBytes(bytes), cases(2_000, manyInputs), (some) => {
        const read = readOr(() => openReceipt(some, keyOf))
        if (read !== null) expect(read).toEqual(whole)
      })
    },
    fuzzTimeoutMs,
  )

  it(
    'refusals are refused, or say what was signed',
    () => {
      const bytes = sealRefusal({ ...signed, code: 'seq_conflict' }, collector.privateKey)
      const whole = openRefusal(bytes, keyOf)
      fuzz(hostileBytes(bytes), cases(2_000, manyInputs), (some) => {
        const read = readOr(() => openRefusal(some, keyOf))
        if (read !== null) expect(read).toEqual(whole)
      })
    },
    fuzzTimeoutMs,
  )

  it(
    'JSON is refused, or is what every reader takes it for',
    () => {
      const samples = [
        '{"a":[1,2.5e3,"\\u00e9\\n"],"b":{"c":null,"d":[true,false,{}]}}',
        '[]',
        '"text"',
        '-0.1e-9',
      ]
      fuzz(hostileBytes(...samples.map((text) => Buffer.from(text))), cases(5_000, manyInputs), (bytes) => {
        const read = readOr(() => ({ value: parseStrictJson(Buffer.from(bytes)) }))
        if (read !== null) expect(read).toEqual({ value: JSON.parse(Buffer.from(bytes).toString('utf8')) })
      })
    },
    fuzzTimeoutMs,
  )
})
