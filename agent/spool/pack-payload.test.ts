import { brotliDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { RecordClass } from '../../tests-spec/data-formats/measurement.ts'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { deflateBody, currentDictionary as dictionary } from './dictionary.ts'
import { packPayload, targetIn, type UnsealedRecord } from './pack-payload.ts'

const json = (recordClass: RecordClass, name: string, input: string | null) =>
  JSON.stringify({
    class: recordClass,
    time: { wall_ms: 1 },
    measurement: { annotations: {}, input, test_keys: {}, test_name: name, test_version: '1' },
  })

function unsealed(n: number, recordClass: RecordClass, name: string, input: string | null): UnsealedRecord {
  const text = json(recordClass, name, input)
  const target = targetIn(Buffer.from(text))
  return { n, class: recordClass, target, body: deflateBody(text, dictionary), dictionary }
}

test('packPayload() puts like next to like: by class, by target, and of one target in their order', async () => {
  const shuffled = [
    unsealed(7, 'routine', 'web_connectivity', 'https://b.example/'),
    unsealed(2, 'routine', 'web_connectivity', 'https://a.example/'),
    unsealed(5, 'anomaly', 'web_connectivity', 'https://b.example/'),
    unsealed(3, 'routine', 'whatsapp', null),
    unsealed(8, 'diagnostic', 'web_connectivity', 'https://a.example/'),
    unsealed(4, 'routine', 'signal', null),
    unsealed(6, 'routine', 'web_connectivity', 'https://a.example/'),
    unsealed(1, 'routine', 'web_connectivity', 'https://b.example/'),
  ]
  const { payload, raw } = await packPayload(shuffled)
  const text = brotliDecompressSync(payload)
  expect(raw).toEqual({ len: text.length, sha256: sha256Hex(text) })
  const lines = text.toString().split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.map((line) => JSON.parse(line).n)).toEqual([5, 2, 6, 1, 7, 4, 3, 8])
  expect(lines[0]).toBe(`{"n":5,${json('anomaly', 'web_connectivity', 'https://b.example/').slice(1)}`)
})

test('packPayload() of nothing is the empty stream', async () => {
  const { payload, raw } = await packPayload([])
  expect(brotliDecompressSync(payload)).toHaveLength(0)
  expect(raw.len).toBe(0)
})

test.each([
  ['input and name', json('routine', 'web_connectivity', 'https://a.example/')],
  ['no input', json('routine', 'whatsapp', null)],
  ['nothing of either', '{"class":"routine"}'],
  ['a key and no value', '{"class":"routine","input":'],
  ['an endless input', `{"class":"routine","input":"${'x'.repeat(5_000)}`],
  ['nothing', ''],
])('targetIn() makes a short word of a record with %s', (_, text) => {
  expect(targetIn(Buffer.from(text)).length).toBeLessThan(450)
})

test('targetIn() tells targets apart, and not their measurements', () => {
  const of = (name: string, input: string | null) => targetIn(Buffer.from(json('routine', name, input)))
  expect(of('web_connectivity', 'https://a.example/')).not.toBe(of('web_connectivity', 'https://b.example/'))
  expect(of('whatsapp', null)).not.toBe(of('signal', null))
  expect(of('whatsapp', null)).toBe(of('whatsapp', null))
})
