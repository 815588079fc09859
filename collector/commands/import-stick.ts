// `sonde-collector import DIR`: takes in the sealed files that lie on a stick, and puts the receipts beside them, for
// the probes to find. Nothing on the stick is changed or removed: what could not be taken is named and lies as it lay.

import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  maxReceiptsFileBytes,
  maxSealedBytes,
  namesOf,
  receiptsExtension,
  receiptsFiles,
  type SealedReceipt,
  sealedExtension,
  splitLines,
} from '../../tests-spec/protocol/sealed.ts'
import { writeDurably } from '../archive/durable-file.ts'
import type { Taken } from '../intake/sealed-intake.ts'
import { CommandFailed } from './command-failed.ts'

/** Gives a sealed file to a collector, in this process or another. Throws what the intake throws. */
export type TakeSealed = (bytes: Buffer) => Promise<Taken>

export type FileReport =
  | { readonly file: string; readonly code: null; readonly said: SealedReceipt }
  /** Nothing of it was taken. */
  | { readonly file: string; readonly code: string; readonly problem: string }

export interface ImportReport {
  readonly files: readonly FileReport[]
  /** Names of the files of receipts that were written. */
  readonly written: readonly string[]
  /** Receipts in them. */
  readonly receipts: number
  /** Why receipts could not be written, and then the same import gives them again; null when they were. */
  readonly unwritten: string | null
  /** Whether everything that looked like a sealed file was taken, every batch of it, and the receipts are written. */
  readonly complete: boolean
}

/** @throws {CommandFailed} `stick_unusable`, when the folder cannot be listed. */
export async function importStick(stick: string, take: TakeSealed): Promise<ImportReport> {
  const files: FileReport[] = []
  const receipts: Buffer[] = []
  const found = await filesOn(stick, sealedExtension).catch((cause: Error) => {
    throw new CommandFailed('stick_unusable', `Cannot read the stick ${stick}: ${cause.message}.`, { cause })
  })
  for (const file of found) {
    try {
      const taken = await take(await readBounded(join(stick, file), maxSealedBytes))
      receipts.push(...taken.receipts)
      // What was refused is for its probe to know as well, on the collector's word and nobody else's.
      if (taken.said.refused.length > 0) receipts.push(taken.word)
      files.push({ file, code: null, said: taken.said })
    } catch (error) {
      // One rotten file, or one of somebody else, must not keep the others from being taken.
      files.push({ file, ...faultOf(error) })
    }
  }
  const written = await writeReceipts(stick, receipts).catch((error: unknown) => faultOf(error).problem)
  const unwritten = typeof written === 'string' ? written : null
  const taken = files.every((each) => each.code === null && each.said.refused.length === 0)
  return {
    files,
    ...(typeof written === 'string' ? { written: [], receipts: 0 } : written),
    unwritten,
    complete: taken && unwritten === null,
  }
}

/** Regular files alone: opening what only looks like a file may never come back. Old cards write in capitals. */
async function filesOn(stick: string, extension: string): Promise<string[]> {
  const entries = await readdir(stick, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.toLowerCase().endsWith(extension))
    .map((entry) => entry.name)
    .sort()
}

/** @throws `too_large`, before anything is read. */
async function readBounded(path: string, most: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size > most) throw coded('too_large', `The file has ${size} bytes, a sealed one at most ${most}`)
    return await readWhole(file, size)
  } finally {
    await file.close()
  }
}

/** As much as it had when it was asked, and no more if it grows. */
async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size)
  let done = 0
  for (let read = 1; read > 0 && done < size; done += read) {
    read = (await file.read(bytes, done, size - done, done)).bytesRead
  }
  return bytes.subarray(0, done)
}

/** Writes the receipts that do not lie there yet, so that the same import twice leaves the stick as it is. */
async function writeReceipts(stick: string, receipts: readonly Buffer[]) {
  await clearLeftovers(stick)
  const there = new Set<string>()
  for (const file of await filesOn(stick, receiptsExtension)) {
    const bytes = await readBounded(join(stick, file), maxReceiptsFileBytes).catch(() => Buffer.alloc(0))
    for (const line of splitLines(bytes)) there.add(keyOf(line))
  }
  const missing = new Map(receipts.map((line) => [keyOf(line), line]))
  for (const key of there) missing.delete(key)
  const written: string[] = []
  for (const bytes of receiptsFiles([...missing.values()])) {
    const name = await freeName(stick, bytes)
    await writeDurably(join(stick, name), bytes)
    written.push(name)
  }
  return { written, receipts: missing.size }
}

/** What a line says. Of a word on a file without what differs at each import, its time and what was new: no news. */
function keyOf(line: Buffer): string {
  try {
    const { payload } = JSON.parse(line.toString('utf8'))
    const { at: _, stored: __, ...said } = JSON.parse(Buffer.from(String(payload), 'base64').toString('utf8'))
    if (typeof said.sealed === 'string') return JSON.stringify(said)
  } catch {
    // Not ours, and then compared as it is.
  }
  return line.toString('latin1')
}

async function freeName(stick: string, bytes: Buffer): Promise<string> {
  const names = namesOf(bytes, receiptsExtension)
  for (const name of names) if ((await stat(join(stick, name)).catch(() => null)) === null) return name
  throw coded('name_taken', `${names[0]} is there and holds something else`)
}

/** What an import that was cut short left half written. No one else's file has such a name. */
async function clearLeftovers(stick: string): Promise<void> {
  for (const name of await readdir(stick)) {
    if (/^\.[0-9a-f]{8,64}\.rcp\.[0-9a-f]{12}\.tmp$/.test(name)) await rm(join(stick, name), { force: true })
  }
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

function faultOf(error: unknown): { code: string; problem: string } {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return { code: typeof code === 'string' ? code : 'failed', problem: String(message ?? error) }
}

/** For a person; `json` for a program. */
export function importShown(report: ImportReport, stick: string, json: boolean): string {
  if (json) return `${JSON.stringify(report, null, 2)}\n`
  const lines = report.files.flatMap(fileShown)
  if (report.files.length === 0)
    lines.push(`There is nothing to take in ${stick}: no file ends in ${sealedExtension}.`)
  if (report.unwritten !== null) {
    lines.push(
      `The receipts could not be written (${report.unwritten}). What was taken is safe: make room on the stick, or make it writable, and import again.`,
    )
  } else if (report.written.length > 0) {
    lines.push(
      `Receipts written: ${report.receipts}, in ${report.written.join(', ')}. Carry the stick back, for sonde import-receipts.`,
    )
  } else if (report.files.length > 0) lines.push('No new receipts.')
  return `${lines.join('\n')}\n`
}

function fileShown(report: FileReport): string[] {
  if (report.code !== null) return [`${report.file}: not taken, ${report.problem} [${report.code}]`]
  const { receipts, stored, refused } = report.said
  const known = receipts - stored
  return [
    `${report.file}: took ${stored}${known === 0 ? '' : `, ${known} here already`}`,
    ...refused.map(({ batch, code }) => `  refused: ${batch ?? 'bytes that are no batch'} [${code}]`),
  ]
}
