// Opens a payload: brotli over NDJSON, batch.md. Runs after the receipt, on bytes whose digest is right but
// whose sender may lie about what is inside.

import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { type Manifest, sha256Hex } from '../../tests-spec/protocol/batch.ts'

const decompress = promisify(brotliDecompress)

/** What is wrong with a payload that is not what its signed manifest says. The batch stays in the archive as it is. */
export type PayloadFault = 'not_brotli' | 'too_long' | 'wrong_length' | 'wrong_digest'

export type OpenedPayload =
  | { readonly kind: 'opened'; readonly raw: Buffer }
  | { readonly kind: 'lying'; readonly fault: PayloadFault }

/**
 * Unpacks a payload, at most to the length its manifest promises.
 *
 * @returns The text, or how it differs from the promise. Nothing in `payload` makes this throw: a probe that lies
 *   must cost a line in the index, never the process.
 */
export async function openPayload(
  { payload: promised }: Manifest,
  payload: Uint8Array,
): Promise<OpenedPayload> {
  let raw: Buffer
  try {
    // Stops a bomb: a few kB can unpack to gigabytes. zlib wants at least 1, the length check sees to 0.
    raw = await decompress(payload, { maxOutputLength: Math.max(1, promised.rawLen) })
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return { kind: 'lying', fault: tooLong ? 'too_long' : 'not_brotli' }
  }
  if (raw.length !== promised.rawLen) return { kind: 'lying', fault: 'wrong_length' }
  if (sha256Hex(raw) !== promised.rawSha256) return { kind: 'lying', fault: 'wrong_digest' }
  return { kind: 'opened', raw }
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
    // The caller counts it: one bad line does not take the batch with it.
    return undefined
  }
}
