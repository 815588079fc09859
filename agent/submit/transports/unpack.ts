// Answers that something on the way has packed, though nobody asked for it: a box that saves bytes, a front that is set up
// to. What is in them is read all the same, to the same limit.

import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { NoAnswer } from './no-answer.ts'

type Unpacker = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const unpackers: ReadonlyMap<string, Unpacker> = new Map<string, Unpacker>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
])

/**
 * @param encoding - `Content-Encoding` of the answer.
 * @param mostBytes - The longest content that is read to its end.
 * @returns The content; the bytes as they came, where they are not packed as is said.
 * @throws {NoAnswer} `answer_too_large`
 */
export async function unpack(
  body: Buffer,
  encoding: string | readonly string[] | undefined,
  mostBytes: number,
): Promise<Buffer> {
  const unpacker = unpackers.get(String(encoding).trim().toLowerCase())
  if (unpacker === undefined || body.length === 0) return body
  try {
    return await unpacker(body, { maxOutputLength: mostBytes })
  } catch (error) {
    if (error instanceof RangeError) throw new NoAnswer('answer_too_large', { cause: error })
    return body
  }
}
