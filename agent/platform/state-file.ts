// Small files of the state folder that say themselves whether they are whole: one JSON object, the digest of the rest in
// its last field. JSON alone tells a torn file from a whole one, and not a flipped bit: a year that is off by 64 would
// be believed of the clock for good.

import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { type AtomicDisk, readFileIfPresent, replaceFile, writeFileDurably } from './atomic-file.ts'

interface Writing {
  /** Permissions; the owner alone may read it unless said otherwise. */
  readonly mode?: number
  readonly disk?: AtomicDisk
}

/** Replaces the file. Once this resolves, `content` survives a power cut. @throws What the disk says. */
export async function writeStateFile(path: string, content: object, writing: Writing = {}): Promise<void> {
  await writeFileDurably(path, encodeState(content), writing)
}

/**
 * Replaces the file without a flush: for what is written often and costs little to lose. A power cut may leave the new
 * content, the old, or something that `readStateFile` takes for nothing.
 * @throws What the disk says.
 */
export async function replaceStateFile(path: string, content: object, writing: Writing = {}): Promise<void> {
  await replaceFile(path, encodeState(content), writing)
}

/**
 * @returns null when there is none, or none that can be believed: torn, rotten, of another version, another user's, a
 *   sector that cannot be read. For what can be done without; never an exception.
 */
export async function readStateFile<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  disk?: AtomicDisk,
): Promise<v.InferOutput<Schema> | null> {
  try {
    const bytes = await readFileIfPresent(path, disk)
    const parsed = v.safeParse(schema, bytes === null ? null : decodeState(bytes))
    return parsed.success ? parsed.output : null
  } catch {
    return null
  }
}

export function encodeState(content: object): Buffer {
  const json = JSON.stringify(content)
  return Buffer.from(`${JSON.stringify({ ...JSON.parse(json), sha256: digestOf(json) })}\n`)
}

/**
 * @returns What was encoded.
 * @throws {Error} When it is not whole.
 */
export function decodeState(bytes: Uint8Array): Record<string, unknown> {
  const { sha256, ...content } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  // Parsing and printing again gives the same text: that is how it was made.
  if (sha256 !== digestOf(JSON.stringify(content))) throw new Error('Its digest does not fit')
  return content
}

/** 64 bits: against rot, not against people. */
function digestOf(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 16)
}
