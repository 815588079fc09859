// A repository in one file, for a stick (tests-spec/lists/one-file.md). Says nothing of whether anything in it may be believed.

import { canonical } from './canonical.ts'
import { type Json, readJson } from './json.ts'
import { Refused } from './refusal.ts'

const magic = Buffer.from('SLR1')
const headBytes = 8
const maxBytes = 16 * 1024 * 1024
const maxIndexBytes = 256 * 1024
const maxFiles = 2_048

/**
 * @param files - By name: `metadata/…` and `targets/…`.
 * @throws {RangeError} When a reader would refuse it.
 */
export function writeOneFile(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const sorted = [...files].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const index = canonical(new Map([['files', sorted.map(([name, { length }]) => [name, length])]]))
  const head = Buffer.alloc(headBytes)
  head.set(magic)
  head.writeUInt32BE(index.length, magic.length)
  const bytes = Buffer.concat([head, index, ...sorted.map(([, content]) => content)])
  if (bytes.length > maxBytes || index.length > maxIndexBytes || sorted.length > maxFiles)
    throw new RangeError(
      `Cannot write ${sorted.length} files of ${bytes.length} bytes as one: it is too much`,
    )
  return bytes
}

/**
 * @returns The files by name; parts of `bytes`, not copies.
 * @throws {Refused} `malformed` when it is none, or not whole.
 */
export function readOneFile(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (all.length > maxBytes) throw malformed(`more than ${maxBytes} bytes`)
  if (all.length < headBytes || !all.subarray(0, magic.length).equals(magic))
    throw malformed('another beginning')
  const indexBytes = all.readUInt32BE(magic.length)
  let at = headBytes + indexBytes
  if (indexBytes > maxIndexBytes || at > all.length) throw malformed('an index of wrong length')
  const files = new Map<string, Uint8Array>()
  for (const [name, length] of indexIn(all.subarray(headBytes, at))) {
    if (files.has(name)) throw malformed('one name twice')
    files.set(name, all.subarray(at, at + length))
    at += length
  }
  if (at !== all.length) throw malformed('another length than its index says')
  return files
}

function indexIn(bytes: Uint8Array): (readonly [string, number])[] {
  const index = readJson(bytes)
  const files = index instanceof Map ? index.get('files') : null
  if (!Array.isArray(files) || files.length > maxFiles)
    throw malformed('no index of files, or too long a one')
  return files.map((each: Json) => {
    const [name, length, ...rest] = Array.isArray(each) ? each : []
    const isNamed = typeof name === 'string' && /^(metadata|targets)\/./.test(name)
    if (!isNamed || typeof length !== 'number' || length < 0 || rest.length > 0)
      throw malformed('an entry of another form')
    return [name, length]
  })
}

function malformed(what: string): Refused {
  return new Refused('malformed', '4.1', `Cannot read a repository from one file: it has ${what}`)
}
