// The log as it leaves the device on an order: tests-spec/lists/orders.md, "The log". No line of it should hold an address, a host
// or a path in the first place; here it is made sure of once more, since an error of the system names files.

import { brotliCompressSync } from 'node:zlib'
import { LogReader, parseLogLine } from '../platform/log-lines.ts'

/** Packed. With base64 twice around it an envelope still takes it, whatever else is in the manifest. */
const maxPackedBytes = 12 * 1024
const maxRawBytes = 1024 * 1024

/** @returns In base64; null when there is no line, or the disk does not give any. */
export function enclosedLog(folder: string): string | null {
  const lines = readLines(folder).flatMap((text) => {
    const line = parseLogLine(text)
    if (line === null) return []
    const { timeMs, level, code, fields } = line
    const time = new Date(timeMs).toISOString()
    return [
      JSON.stringify({ level: word(level), time, code: word(code), ...(redacted(fields, 3) as object) }),
    ]
  })
  let newest = withinBytes(lines, maxRawBytes)
  while (newest.length > 0) {
    const packed = brotliCompressSync(Buffer.from(`${newest.join('\n')}\n`))
    if (packed.length <= maxPackedBytes) return packed.toString('base64')
    newest = newest.slice(Math.ceil(newest.length * Math.max(0.05, 1 - maxPackedBytes / packed.length)))
  }
  return null
}

function readLines(folder: string): string[] {
  const reader = new LogReader(folder)
  try {
    return reader.read(true)
  } catch {
    return []
  } finally {
    reader.close()
  }
}

function withinBytes(lines: readonly string[], most: number): string[] {
  let bytes = 0
  const from = lines.findLastIndex((line) => {
    bytes += line.length + 1
    return bytes > most
  })
  return lines.slice(from + 1)
}

/** Where a bug was, in our own file. */
const ownPlace = /\bsonde\.mjs:\d+:\d+/g
const shortWords = /^[\w ,.:/+=()-]{0,80}$/
/** A path, a name with a dot before letters, four numbers, groups of an IPv6 address. */
const telling = /\/[\w.-]*[a-z.]|\.[a-z]|(\d+\.){3}\d|[\da-f]*:[\da-f]*:/i

function redacted(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return word(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.slice(0, 20).map((each) => redacted(each, depth - 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [word(name), redacted(each, depth - 1)]),
  )
}

function word(text: string): string {
  const others = text.replace(ownPlace, '')
  return shortWords.test(text) && !telling.test(others) ? text : '…'
}
