// Reads the log that log-ring.ts writes: also while an agent writes it, after a crash that tore its last line, and when
// the files are not what they should be. What is read is bounded, whatever lies there.

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { isMissing } from './atomic-file.ts'
import { logFiles } from './log-ring.ts'

/** Of each file: four times what the ring lets it become. */
const maxReadBytes = 1024 * 1024

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly timeMs: number
  readonly level: string
  readonly code: string
  readonly message: string
  /** What else stands in the line. Strangers may have written some of it. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** @returns null for what is no line of the log: one that was torn, or is somebody else's. */
export function parseLogLine(text: string): LogLine | null {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof json !== 'object' || json === null) return null
  const { time, level, code, message, ...fields } = json as Record<string, unknown>
  if (typeof time !== 'string' || typeof level !== 'string' || typeof code !== 'string') return null
  const timeMs = Date.parse(time)
  if (Number.isNaN(timeMs)) return null
  return { timeMs, level, code, message: typeof message === 'string' ? message : '', fields }
}

/** Goes on where it stopped, through a change of files. */
export class LogReader {
  readonly #folder: string
  #open: { readonly descriptor: number; readonly ino: number; offset: number } | null = null
  #rest: Buffer = Buffer.alloc(0)

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * The first call gives all there is, each other what has come since.
   * @param isLast - Whether nothing more is asked for: an end without a line end then counts as a line.
   * @throws The disk's error.
   */
  read(isLast: boolean): string[] {
    const lines = this.#open === null ? this.#begin() : this.#more()
    if (isLast && this.#rest.length > 0) lines.push(this.#rest.toString('utf8'))
    return lines
  }

  close(): void {
    if (this.#open !== null) closeSync(this.#open.descriptor)
    this.#open = null
  }

  #begin(): string[] {
    const { current, previous } = logFiles(this.#folder)
    const lines: string[] = []
    // The newer one first: it may become the older one between the two.
    const isOpen = this.#take(current)
    const before = openOrNull(previous)
    if (before !== null) {
      try {
        if (fstatSync(before).ino !== this.#open?.ino)
          lines.push(...wholeLines(readFrom(before, 0).bytes).lines)
      } finally {
        closeSync(before)
      }
    }
    return isOpen ? [...lines, ...this.#readOn()] : lines
  }

  #more(): string[] {
    const { current } = logFiles(this.#folder)
    const lines = this.#readOn()
    const now = statSync(current, { throwIfNoEntry: false })
    if (now === undefined || now.ino === this.#open?.ino) return lines
    // What was written between the two looks.
    lines.push(...this.#readOn())
    this.close()
    this.#rest = Buffer.alloc(0)
    return this.#take(current) ? [...lines, ...this.#readOn()] : lines
  }

  #take(path: string): boolean {
    const descriptor = openOrNull(path)
    if (descriptor === null) return false
    this.#open = { descriptor, ino: fstatSync(descriptor).ino, offset: 0 }
    return true
  }

  #readOn(): string[] {
    const open = this.#open
    if (open === null) return []
    const { bytes, end } = readFrom(open.descriptor, open.offset)
    open.offset = end
    const { lines, rest } = wholeLines(Buffer.concat([this.#rest, bytes]))
    // A line of ours is shorter by far.
    this.#rest = rest.subarray(0, maxReadBytes)
    return lines
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** The last of what is there, where that is more than may be read. */
function readFrom(descriptor: number, offset: number): { readonly bytes: Buffer; readonly end: number } {
  const end = fstatSync(descriptor).size
  const start = Math.max(Math.min(offset, end), end - maxReadBytes)
  const bytes = Buffer.alloc(end - start)
  const read = readSync(descriptor, bytes, 0, bytes.length, start)
  return { bytes: bytes.subarray(0, read), end: start + read }
}

function wholeLines(bytes: Buffer): { lines: string[]; rest: Buffer } {
  const end = bytes.lastIndexOf(0x0a) + 1
  const lines = bytes.subarray(0, end).toString('utf8').split('\n')
  return { lines: lines.filter((line) => line !== ''), rest: bytes.subarray(end) }
}
