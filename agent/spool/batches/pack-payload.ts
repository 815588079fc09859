// Packs records as the payload of a batch: NDJSON, in columns and in one stream of brotli
// (tests-spec/protocol/batch.md, "Payload").
//
// Similar records stand next to each other: the records of one target differ in their times and in little else, and
// columns write once what does not differ.

import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { type RecordClass, recordClasses } from '../../../tests-spec/data-formats/measurement.ts'
import type { PayloadCodec } from '../../../tests-spec/protocol/batch.ts'
import { toColumns } from '../../../tests-spec/protocol/columns.ts'
import { codecFor } from '../../../tests-spec/protocol/payload.ts'
import { type Dictionary, inflateBody } from '../log/dictionary.ts'

/** A record that is in no batch yet. */
export interface UnsealedRecord {
  readonly n: number
  readonly class: RecordClass
  /** What `targetIn` returns for the record. */
  readonly target: string
  /**
   * The body as stored; it is known to unpack. It is small enough to keep a thousand of them while a batch is packed,
   * and their JSON is not.
   */
  readonly body: Uint8Array
  readonly dictionary: Dictionary
}

export interface Payload {
  readonly codec: PayloadCodec
  readonly payload: Buffer
  readonly raw: { readonly len: number; readonly sha256: string }
}

const compress = promisify(brotliCompress)

/** Packs records, class by class and target by target; the records of one target stay in their order. */
export async function packPayload(records: readonly UnsealedRecord[]): Promise<Payload> {
  const sorted = [...records].sort(likeToLike)
  const rawHash = createHash('sha256')
  let rawBytes = 0
  const document = toColumns(
    (function* () {
      for (const record of sorted) {
        const line = lineOf(record)
        rawHash.update(line, 'latin1').update('\n')
        rawBytes += line.length + 1
        yield line
      }
    })(),
  )
  const codec = codecFor(document, rawBytes)
  const text = codec === 'br' ? sorted.map((record) => `${lineOf(record)}\n`).join('') : document
  const payload = await compress(Buffer.from(text, 'latin1'), { params: compression })
  return { codec, payload, raw: { len: rawBytes, sha256: rawHash.digest('hex') } }
}

const compression = {
  // Level 7 gains 3 % for three times the time, and level 9 gains 4 % for ten times.
  [constants.BROTLI_PARAM_QUALITY]: 5,
  // A window of 1 MiB, which the columns of a batch seldom exceed.
  [constants.BROTLI_PARAM_LGWIN]: 20,
}

function likeToLike(a: UnsealedRecord, b: UnsealedRecord): number {
  if (a.class !== b.class) return recordClasses.indexOf(a.class) - recordClasses.indexOf(b.class)
  if (a.target !== b.target) return a.target < b.target ? -1 : 1
  return a.n - b.n
}

/**
 * @returns A line of NDJSON without its line end, one character for each byte, with the number that only the frame
 * had.
 */
function lineOf({ n, body, dictionary }: UnsealedRecord): string {
  return `{"n":${n},${inflateBody(body, dictionary).toString('latin1', 1)}`
}

/**
 * @returns What tells targets apart, read without parsing the record: only the order of records in a batch depends on
 * it, and a record of another version gets a place too.
 */
export function targetIn(json: Buffer): string {
  return `${textAt(json, json.indexOf(inputKey), inputKey)} ${textAt(json, json.lastIndexOf(nameKey), nameKey)}`
}

const inputKey = Buffer.from('"input":')
const nameKey = Buffer.from('"test_name":')
const comma = 0x2c
/** Characters of an input that are compared; inputs that are equal so far are similar enough. */
const maxTarget = 200

function textAt(json: Buffer, at: number, key: Buffer): string {
  if (at === -1) return ''
  const from = at + key.length
  const to = json.indexOf(comma, from)
  return json.toString('utf8', from, Math.min(to === -1 ? json.length : to, from + maxTarget))
}
