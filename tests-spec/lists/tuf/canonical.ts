// Canonical JSON as the TUF specification means it (4.1, OLPC's): what a signature covers, and a key id is the digest of.
// No blanks, names in order, of strings only the quotation mark and the backslash escaped.

import type { Json, JsonObject } from './json.ts'

/** @returns The canonical form in UTF-8. */
export function canonical(value: Json): Buffer {
  return Buffer.from(written(value))
}

function written(value: Json): string {
  if (typeof value === 'string') return quoted(value)
  if (value === null || typeof value !== 'object') return String(value)
  if (!(value instanceof Map)) return `[${(value as readonly Json[]).map(written).join(',')}]`
  const members = inOrder(value).map(([name, member]) => `${quoted(name)}:${written(member)}`)
  return `{${members.join(',')}}`
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/** By code point, as Python sorts and the bytes of UTF-8 do; JavaScript's own order differs beyond U+FFFF. */
function inOrder(members: JsonObject): [string, Json][] {
  const keyed = [...members].map((member) => ({ bytes: Buffer.from(member[0]), member }))
  return keyed.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ member }) => member)
}
