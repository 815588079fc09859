// Records as the payload of a batch: NDJSON in one stream of brotli (tests-spec/protocol/batch.md, "Payload").
//
// Like stands next to like: the records of one target differ in their times and hardly else, and brotli, which finds
// what is near, packs them by a tenth better than in the order in which they were measured.

import { createHash } from 'node:crypto'
import { constants, createBrotliCompress } from 'node:zlib'
import { type RecordClass, recordClasses } from '../../tests-spec/data-formats/measurement.ts'
import { type Dictionary, inflateBody } from './dictionary.ts'

/** A record in no batch yet. */
export interface UnsealedRecord {
  readonly n: number
  readonly class: RecordClass
  /** `targetIn` of it. */
  readonly target: string
  /** As stored, known to unpack. Small enough to keep a thousand of while a batch is packed, which their JSON is not. */
  readonly body: Uint8Array
  readonly dictionary: Dictionary
}

export interface Payload {
  readonly payload: Buffer
  readonly raw: { readonly len: number; readonly sha256: string }
}

/** Packs records, class by class and target by target; of one target in their order. */
export async function packPayload(records: readonly UnsealedRecord[]): Promise<Payload> {
  const brotli = createBrotliCompress({ params: compression })
  const chunks: Buffer[] = []
  brotli.on('data', (chunk: Buffer) => chunks.push(chunk))
  const rawHash = createHash('sha256')
  let rawBytes = 0
  for (const record of [...records].sort(likeToLike)) {
    const line = lineOf(record)
    rawHash.update(line)
    rawBytes += line.length
    await new Promise<void>((resolve, reject) => {
      brotli.write(line, (error) => (error ? reject(error) : resolve()))
    })
  }
  await new Promise<void>((resolve, reject) => {
    brotli.on('end', resolve).on('error', reject)
    brotli.end()
  })
  return { payload: Buffer.concat(chunks), raw: { len: rawBytes, sha256: rawHash.digest('hex') } }
}

const compression = {
  // The next ones gain 2 % for twice the time, and 9 gains 6 % for twenty-five times.
  [constants.BROTLI_PARAM_QUALITY]: 5,
  // 1 MiB: the same target, and those that share its provider. More gained nothing.
  [constants.BROTLI_PARAM_LGWIN]: 20,
}

function likeToLike(a: UnsealedRecord, b: UnsealedRecord): number {
  if (a.class !== b.class) return recordClasses.indexOf(a.class) - recordClasses.indexOf(b.class)
  if (a.target !== b.target) return a.target < b.target ? -1 : 1
  return a.n - b.n
}

/** @returns One line of NDJSON, with the number that only the frame had. */
function lineOf({ n, body, dictionary }: UnsealedRecord): Buffer {
  const json = inflateBody(body, dictionary)
  const head = Buffer.from(`{"n":${n},`, 'latin1')
  return Buffer.concat([head, json.subarray(1), newline])
}

const newline = Buffer.from('\n')

/**
 * @returns What tells targets apart, read without parsing the record: its order in a batch is all that hangs on it, and
 *   a record of another make has a place too.
 */
export function targetIn(json: Buffer): string {
  return `${textAt(json, json.indexOf(inputKey), inputKey)} ${textAt(json, json.lastIndexOf(nameKey), nameKey)}`
}

const inputKey = Buffer.from('"input":')
const nameKey = Buffer.from('"test_name":')
const comma = 0x2c
/** Of an input; what sorts the same so far is close enough. */
const maxTarget = 200

function textAt(json: Buffer, at: number, key: Buffer): string {
  if (at === -1) return ''
  const from = at + key.length
  const to = json.indexOf(comma, from)
  return json.toString('utf8', from, Math.min(to === -1 ? json.length : to, from + maxTarget))
}
