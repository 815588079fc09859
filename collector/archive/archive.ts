// The record: batch files as they came, and the receipts that were given for them. Files are written once and never
// changed. Everything else the collector knows of measurements can be made again from here.
//
//   batches/xx/<batchId>.psb            xx: the first two digits, so that no folder grows beyond what a file
//   batches/xx/<batchId>.receipt.json   system lists quickly (118,000 batches are 460 a folder)
//   batches/xx/<batchId>.gone.json      in the place of the batch, once its content was removed: tombstone.ts
//   conflicts/<device>/<batchId>.psb    a second content for a seq: evidence, never served

import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type BatchId, batchId, type DeviceId, type Manifest } from '../../tests-spec/protocol/batch.ts'
import type { KeyLookup } from '../../tests-spec/protocol/dsse.ts'
import { linesOf, splitLines } from '../../tests-spec/protocol/lines.ts'
import type { PayloadFault } from '../../tests-spec/protocol/payload.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import {
  ArchiveDamaged,
  type ArchivedBatch,
  envelopeEnd,
  headBytes,
  readArchivedBatch,
} from './archived-batch.ts'
import { decoder } from './decoder.ts'
import { folderMode, makeFolder, syncFolder, temporarySuffix, writeDurably } from './durable-file.ts'
import { readTombstone, type Tombstone } from './tombstone.ts'

/**
 * Number of copies that is enough to see what happened: a stolen key must not fill the disk with copies. Every
 * arrival is logged anyway.
 */
const conflictsKeptPerDevice = 32

/** Bytes of a file that are looked at together. */
const pieceBytes = 16_384

/** Bytes. Envelopes have 1 to 2 kB: one page of the disk holds nearly all of them. */
const usualHeadBytes = 4_096

/** What one file of the archive turned out to be. */
export type Scanned =
  | { readonly kind: 'batch'; readonly batch: ArchivedBatch }
  | { readonly kind: 'gone'; readonly tombstone: Tombstone }
  | { readonly kind: 'damaged'; readonly path: string; readonly problem: string }

/** A batch with its records, for code that reads measurements. */
export interface BatchContent {
  readonly id: BatchId
  readonly manifest: Manifest
  /** What is wrong with the payload, in which case there are no records; null when nothing is wrong. */
  readonly fault: PayloadFault | null
  /** Lines of the payload, in order, as bytes. */
  readonly lines: Iterable<Buffer>
  /** The same, read; a `BadLine` stands for one that must not be read, or cannot. */
  readonly records: Iterable<unknown>
}

export class Archive {
  readonly #folder: string
  readonly #conflicts: string

  private constructor(state: string) {
    this.#folder = join(state, 'batches')
    this.#conflicts = join(state, 'conflicts')
  }

  /** Makes the folders that are missing and removes what a crash left half written. */
  static async open(state: string): Promise<Archive> {
    const archive = new Archive(state)
    const folders = folderNames().map((name) => join(archive.#folder, name))
    await makeFolder(archive.#folder)
    for (const folder of folders) await mkdir(folder, { recursive: true, mode: folderMode })
    // Syncing once for all 256 folders is enough; putting a batch then only syncs the folder it is in.
    await syncFolder(archive.#folder)
    for (const folder of folders) await clearTemporary(folder)
    return archive
  }

  /** Opens an archive that is there, to read it: makes and clears away nothing. */
  static openToRead(state: string): Archive {
    return new Archive(state)
  }

  /** Keeps a batch. When it resolves, the file survives a power cut, and only then may a receipt be signed. */
  async putBatch(id: BatchId, bytes: Uint8Array): Promise<void> {
    await writeDurably(this.#path(id, 'psb'), bytes)
  }

  /** Removes the content of a batch for good, and keeps in its place where it stood. What a crash left undone the next start does. */
  async bury(id: BatchId, tombstone: Uint8Array): Promise<void> {
    await writeDurably(this.#path(id, 'gone.json'), tombstone)
    await rm(this.#path(id, 'psb'), { force: true })
    await syncFolder(join(this.#folder, id.slice(0, 2)))
  }

  /** Removes second contents that a device has sent. @returns How many there were. */
  async removeConflicts(device: DeviceId): Promise<number> {
    const folder = join(this.#conflicts, device)
    const names = (await unlessAbsent(readdir(folder))) ?? []
    await rm(folder, { recursive: true, force: true })
    return names.length
  }

  /** Keeps the receipt of a batch, so that a probe that asks again gets the same bytes. */
  async putReceipt(id: BatchId, bytes: Uint8Array): Promise<void> {
    await writeDurably(this.#path(id, 'receipt.json'), bytes)
  }

  /** @returns Whether a copy was kept: a device that sends many conflicts fills its share and no more. */
  async putConflict(device: DeviceId, id: BatchId, bytes: Uint8Array): Promise<boolean> {
    const folder = join(this.#conflicts, device)
    await makeFolder(folder)
    const kept = await readdir(folder)
    if (kept.length >= conflictsKeptPerDevice || kept.includes(`${id}.psb`)) return false
    await writeDurably(join(folder, `${id}.psb`), bytes)
    return true
  }

  /** Folders of second contents, below the state folder. */
  async conflictFolders(): Promise<string[]> {
    const devices = await unlessAbsent(readdir(this.#conflicts))
    return (devices ?? []).map((device) => join('conflicts', device))
  }

  /** Bytes of each second content that is kept, with the device it is of. */
  async *conflictBytes(): AsyncGenerator<readonly [device: string, bytes: number]> {
    for (const device of (await unlessAbsent(readdir(this.#conflicts))) ?? [])
      for (const name of await readdir(join(this.#conflicts, device)))
        yield [device, (await stat(join(this.#conflicts, device, name))).size]
  }

  async has(id: BatchId): Promise<boolean> {
    return (await unlessAbsent(stat(this.#path(id, 'psb')))) !== null
  }

  /**
   * Whether the file, payload included, is still what was written. Asked before a probe is told once more that it may
   * forget the batch: its copy may be the last good one.
   */
  async isWhole(id: BatchId): Promise<boolean> {
    try {
      // What was removed is not wanted back.
      if ((await unlessAbsent(stat(this.#path(id, 'gone.json')))) !== null) return true
      return await isFileWhole(id, this.#path(id, 'psb'))
    } catch {
      // A file that is gone, one that has rotted, and a sector that cannot be read mean the same here.
      return false
    }
  }

  /** @returns null when no receipt was given, or when a crash came between the batch and its receipt. */
  async receipt(id: BatchId): Promise<Buffer | null> {
    return unlessAbsent(readFile(this.#path(id, 'receipt.json')))
  }

  /**
   * @returns When the batch came, as its receipt says, in milliseconds since 1970 on the collector's clock; the time
   * when the file was written, if there is no receipt by a key that `keyOf` knows; null when the batch is not held.
   */
  async receivedAt(id: BatchId, keyOf: KeyLookup): Promise<number | null> {
    const given = await this.receipt(id)
    const at = given === null ? null : receiptTime(given, keyOf)
    if (at !== null) return at
    const found = await unlessAbsent(stat(this.#path(id, 'psb')))
    return found === null ? null : Math.trunc(found.mtimeMs)
  }

  /**
   * @returns null when the batch is not held.
   * @throws {ArchiveDamaged} When the file is no longer what was written.
   */
  async manifest(id: BatchId): Promise<Manifest | null> {
    const bytes = await unlessAbsent(readFile(this.#path(id, 'psb')))
    return bytes === null ? null : readArchivedBatch(id, bytes).manifest
  }

  /**
   * Reads a batch and unpacks its payload.
   *
   * @returns null when it is not held.
   * @throws {ArchiveDamaged} When the file is no longer what was written.
   */
  async content(id: BatchId): Promise<BatchContent | null> {
    const bytes = await unlessAbsent(readFile(this.#path(id, 'psb')))
    if (bytes === null) return null
    const { manifest, payloadOffset } = readArchivedBatch(id, bytes)
    const opened = await decoder.open(manifest.payload, bytes.subarray(payloadOffset))
    return opened.kind === 'opened'
      ? { id, manifest, fault: null, lines: splitLines(opened.raw), records: linesOf(opened.raw) }
      : { id, manifest, fault: opened.fault, lines: [], records: [] }
  }

  /**
   * Reads the manifest of every batch, in arbitrary order.
   *
   * It is synchronous: it runs before any request is served, and takes 20 µs a file instead of 100.
   */
  *scan(): Generator<Scanned> {
    const buffer = Buffer.allocUnsafe(headBytes)
    for (const name of folderNames()) {
      const files = readdirSync(join(this.#folder, name))
      const gone = new Set(files.filter((file) => file.endsWith(goneSuffix)))
      for (const file of gone) yield scanTombstone(join(this.#folder, name, file), file)
      for (const file of files) {
        if (gone.has(file.replace(/\.psb$/, goneSuffix))) continue
        const id = v.safeParse(batchId, file.replace(/\.psb$/, ''))
        if (file.endsWith('.psb') && id.success)
          yield scanFile(id.output, this.#path(id.output, 'psb'), buffer)
      }
    }
  }

  #path(id: BatchId, kind: 'psb' | 'receipt.json' | 'gone.json'): string {
    return join(this.#folder, id.slice(0, 2), `${id}.${kind}`)
  }
}

/** A piece at a time: anyone may ask for any receipt, a thousand at once, and a batch may have 8 MB. */
async function isFileWhole(id: BatchId, path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(pieceBytes)
    const read = async (at: number) =>
      buffer.subarray(0, (await file.read(buffer, 0, pieceBytes, at)).bytesRead)
    let head: Buffer = Buffer.from(await read(0))
    while (head.length < Math.min(headBytes, envelopeEnd(head))) {
      const more = await read(head.length)
      if (more.length === 0) break
      head = Buffer.concat([head, more])
    }
    const { manifest, payloadOffset } = readArchivedBatch(id, head)
    const digest = createHash('sha256')
    let at = payloadOffset
    for (let piece = await read(at); piece.length > 0; piece = await read(at)) {
      digest.update(piece)
      at += piece.length
    }
    return at === payloadOffset + manifest.payload.len && digest.digest('hex') === manifest.payload.sha256
  } finally {
    await file.close()
  }
}

function folderNames(): string[] {
  return Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'))
}

function scanFile(id: BatchId, path: string, buffer: Buffer): Scanned {
  const file = openSync(path, 'r')
  try {
    let length = readSync(file, buffer, 0, usualHeadBytes, 0)
    const wanted = envelopeEnd(buffer.subarray(0, length))
    if (wanted > length) length = readSync(file, buffer, 0, Math.min(wanted, buffer.length), 0)
    const batch = readArchivedBatch(id, buffer.subarray(0, length))
    const expected = batch.payloadOffset + batch.manifest.payload.len
    const { size } = fstatSync(file)
    if (size !== expected) throw new ArchiveDamaged(`Cannot read batch ${id}: ${size} of ${expected} bytes`)
    return { kind: 'batch', batch }
  } catch (error) {
    // The error is reported and not thrown: one rotten sector must not keep the collector from starting.
    return { kind: 'damaged', path, problem: error instanceof Error ? error.message : String(error) }
  } finally {
    closeSync(file)
  }
}

function receiptTime(bytes: Buffer, keyOf: KeyLookup): number | null {
  try {
    return openReceipt(bytes, keyOf).at
  } catch {
    // The receipt has rotted: the time when the batch was written is good enough for a table.
    return null
  }
}

const goneSuffix = '.gone.json'

function scanTombstone(path: string, file: string): Scanned {
  try {
    const tombstone = readTombstone(readFileSync(path))
    if (file !== `${tombstone.batch}${goneSuffix}`) throw new Error(`it is of ${tombstone.batch}`)
    return { kind: 'gone', tombstone }
  } catch (error) {
    return { kind: 'damaged', path, problem: error instanceof Error ? error.message : String(error) }
  }
}

async function clearTemporary(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const name of names.filter((each) => each.endsWith(goneSuffix)))
    await rm(join(folder, name.replace(goneSuffix, '.psb')), { force: true })
  for (const name of names) {
    if (name.endsWith(temporarySuffix)) await rm(join(folder, name), { force: true })
  }
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
