import { brotliCompressSync, constants } from 'node:zlib'
import { expect, it } from 'vitest'
import { seededChance } from '../../../test/support/sample-spool.ts'
import type { RecordClass } from '../../../tests-spec/data-formats/measurement.ts'
import { openPayload } from '../../../tests-spec/protocol/payload.ts'
import { deflateBody, currentDictionary as dictionary } from '../log/dictionary.ts'
import { type Payload, packPayload, targetIn, type UnsealedRecord } from './pack-payload.ts'

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

const asBefore = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }

/** The text as a collector reads it. */
function textOf({ codec, payload, raw }: Payload): string {
  const promised = {
    ...{ codec, len: payload.length, sha256: '', rawLen: raw.len, rawSha256: raw.sha256 },
    schema: 'sonde-record-1' as const,
  }
  const opened = openPayload(promised, payload)
  if (opened.kind !== 'opened') throw new Error(opened.problem)
  return opened.raw.toString()
}

it('packPayload() puts like next to like: by class, by target, and of one target in their order', async () => {
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
  const lines = textOf(await packPayload(shuffled)).split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.map((line) => JSON.parse(line).n)).toEqual([5, 2, 6, 1, 7, 4, 3, 8])
  expect(lines[0]).toBe(`{"n":5,${json('anomaly', 'web_connectivity', 'https://b.example/').slice(1)}`)
})

it('packPayload() of nothing is the empty stream', async () => {
  const packed = await packPayload([])
  expect(packed).toMatchObject({ codec: 'br', raw: { len: 0 } })
  expect(textOf(packed)).toBe('')
})

it('packPayload() writes what is alike in columns, and one record as it is', async () => {
  const chance = seededChance(1)
  const records = Array.from({ length: 300 }, (_, n) => {
    const times = Array.from({ length: 20 }, (_, i) => `"t${i}":${Math.round(chance() * 1e4) / 1e4}`)
    const text = `{"class":"routine","time":{"wall_ms":${1.78e12 + n * 900_000}},"measurement":{"input":"https://ü.example/",${times.join(',')}}}`
    const target = targetIn(Buffer.from(text))
    return { n, class: 'routine' as const, target, body: deflateBody(text, dictionary), dictionary }
  })
  const many = await packPayload(records)
  expect(many.codec).toBe('br+columns')
  const text = textOf(many)
  expect(JSON.parse(text.split('\n')[299] ?? '')).toMatchObject({
    n: 299,
    measurement: { input: 'https://ü.example/' },
  })
  expect(many.payload.length).toBeLessThan(brotliCompressSync(text, asBefore).length * 0.8)
  const one = await packPayload(records.slice(0, 1))
  expect(one.codec).toBe('br')
  expect(textOf(one)).toBe(`${text.split('\n')[0]}\n`)
})

it.each([
  ['input and name', json('routine', 'web_connectivity', 'https://a.example/')],
  ['no input', json('routine', 'whatsapp', null)],
  ['nothing of either', '{"class":"routine"}'],
  ['a key and no value', '{"class":"routine","input":'],
  ['an endless input', `{"class":"routine","input":"${'x'.repeat(5_000)}`],
  ['nothing', ''],
])('targetIn() makes a short word of a record with %s', (_, text) => {
  expect(targetIn(Buffer.from(text)).length).toBeLessThan(450)
})

it('targetIn() tells targets apart, and not their measurements', () => {
  const of = (name: string, input: string | null) => targetIn(Buffer.from(json('routine', name, input)))
  expect(of('web_connectivity', 'https://a.example/')).not.toBe(of('web_connectivity', 'https://b.example/'))
  expect(of('whatsapp', null)).not.toBe(of('signal', null))
  expect(of('whatsapp', null)).toBe(of('whatsapp', null))
})
