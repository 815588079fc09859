// Unpacks a payload: batch.md. It runs after the receipt, on bytes whose digest is right but whose sender may lie
// about their content.

import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import type { Manifest } from '../../tests-spec/protocol/batch.ts'
import {
  notUnpacked,
  type OpenedPayload,
  openUnpacked,
  unpackingLimit,
} from '../../tests-spec/protocol/payload.ts'

const decompress = promisify(brotliDecompress)

/**
 * Unpacks a payload, at most to the length that its manifest promises.
 *
 * @returns The text, or how it differs from the promise. No content of `payload` makes this throw: a probe that lies
 * must cost a line in the index, never the process.
 */
export async function openPayload(
  { payload: promised }: Manifest,
  payload: Uint8Array,
): Promise<OpenedPayload> {
  let unpacked: Buffer
  try {
    unpacked = await decompress(payload, unpackingLimit(promised))
  } catch (error) {
    return notUnpacked(promised, error)
  }
  return openUnpacked(promised, unpacked)
}

/** @returns Each line of NDJSON, parsed; `undefined` for a line that is not JSON, so that the others can be used. */
export function* linesOf(raw: Buffer): Generator<unknown> {
  for (let from = 0; from < raw.length; ) {
    const newline = raw.indexOf(0x0a, from)
    const to = newline === -1 ? raw.length : newline
    if (to > from) yield parseLine(raw.toString('utf8', from, to))
    from = to + 1
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // The caller counts such lines: one bad line must not cost the whole batch.
    return undefined
  }
}
