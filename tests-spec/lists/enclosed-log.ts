// The log that a manifest encloses: orders.md, "The log". Read within bounds, since a probe may send anything. Pure.

import { brotliDecompressSync } from 'node:zlib'
import { parseStrictJson } from '../protocol/strict-json.ts'

/** Unpacked. */
const maxBytes = 1024 * 1024
/** Packed, in base64. */
const maxChars = 32 * 1024

/** @returns Its lines, oldest first; null for what is none. A line that is no JSON object is passed over. */
export function readEnclosedLog(said: unknown): Readonly<Record<string, unknown>>[] | null {
  if (typeof said !== 'string' || said.length > maxChars || !/^[A-Za-z0-9+/]+={0,2}$/.test(said)) return null
  let text: string
  try {
    text = brotliDecompressSync(Buffer.from(said, 'base64'), { maxOutputLength: maxBytes }).toString('utf8')
  } catch {
    return null
  }
  return text.split('\n').flatMap((line) => {
    try {
      const json: unknown = parseStrictJson(Buffer.from(line))
      const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
      return isObject ? [json as Record<string, unknown>] : []
    } catch {
      return []
    }
  })
}
