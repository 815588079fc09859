// Small files of the state folder that tell by themselves whether they are whole: one JSON object, whose last field
// is the digest of the rest. JSON alone tells a torn file from a whole one, but does not show a flipped bit: a clock
// memory whose year is off by 64 would be believed for good.

import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { type AtomicDisk, readFileIfPresent, replaceFile, writeFileDurably } from './atomic-file.ts'

interface Writing {
  /** Permissions; by default only the owner may read the file. */
  readonly mode?: number
  readonly disk?: AtomicDisk
}

/**
 * Replaces the file. Once this resolves, `content` survives a power cut.
 * @throws The disk's error.
 */
export async function writeStateFile(path: string, content: object, writing: Writing = {}): Promise<void> {
  await writeFileDurably(path, encodeState(content), writing)
}

/**
 * Replaces the file without a flush: for files that are written often and cost little to lose. A power cut may leave
 * the new content, the old, or bytes for which `readStateFile` returns null.
 * @throws The disk's error.
 */
export async function replaceStateFile(path: string, content: object, writing: Writing = {}): Promise<void> {
  await replaceFile(path, encodeState(content), writing)
}

/**
 * @returns null when there is no file, or none that can be believed: it is torn, rotten, of another version or
 * another user's, or a sector cannot be read. For files that the agent can do without; never an exception.
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
 * @throws {Error} When the file is not whole.
 */
export function decodeState(bytes: Uint8Array): Record<string, unknown> {
  const { sha256, ...content } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  // Parsing and printing again gives the text over which the digest was made.
  if (sha256 !== digestOf(JSON.stringify(content))) throw new Error('Its digest does not fit')
  return content
}

/** 64 bits protect against rot, not against an attacker. */
function digestOf(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 16)
}
