// A spool for tests: a clock that the test moves, records that look like those of a device, and a reader of sealed
// batches.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import * as v from 'valibot'
import type { Clock } from '../../agent/platform/clock.ts'
import { openSpool, type Spool, type SpoolOptions } from '../../agent/spool/spool.ts'
import type { Measurement, RecordClass, SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import { type BatchId, deviceId, type Manifest, verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { openPayload } from '../../tests-spec/protocol/payload.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'

/**
 * The key is always the same, since processes that are killed must accept each other's batches: RFC 8410 around 32
 * times 0x07.
 */
const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
})
const publicKey = createPublicKey(privateKey)
export const sampleDevice = v.parse(deviceId, keyIdOf(publicKey))
export const enrolmentDigest = 'e'.repeat(64)

/** A clock that stands until the test moves it. */
export function handClock(): Clock & { move(ms: number): void } {
  let ms = 0
  return {
    now: () => 1_790_000_000_000 + ms,
    monotonicMs: () => 5_000 + ms,
    bootId: '0123456789abcdef',
    quality: () => 'synced',
    steps: () => ({ count: 0, deltaMs: 0 }),
    suspendedMs: () => undefined,
    move(by) {
      ms += by
    },
  }
}

/** A timer that fires when the test calls `run`. */
export function handTimer() {
  const due = new Map<object, () => void>()
  return {
    timer: (_ms: number, run: () => void) => {
      const token = {}
      due.set(token, run)
      return () => due.delete(token)
    },
    waiting: () => due.size,
    run() {
      const runs = [...due.values()]
      due.clear()
      for (const each of runs) each()
    },
  }
}

export async function openSample(
  dir: string,
  options: Partial<
    Pick<SpoolOptions, 'disk' | 'quotaBytes' | 'timer' | 'clock' | 'random' | 'tell' | 'speaker'>
  > = {},
): Promise<Spool> {
  return await openSpool({
    dir,
    clock: handClock(),
    device: sampleDevice,
    privateKey,
    quotaBytes: 64 * 1024 * 1024,
    agentVersion: '0.0.0-test',
    lists: () => ({ core: 1 }),
    ...options,
  })
}

/** Gives the same numbers for the same seed: a failing case can be run again. */
export function seededChance(seed: number): () => number {
  let state = (seed + 1) >>> 0
  return () => {
    // The generator is mulberry32.
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Text that does not compress. */
export function noise(chance: () => number, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(35 + Math.floor(chance() * 57))).join('')
}

/** A small record that contains its own name. */
export function sampleEntry(name: string, recordClass: RecordClass = 'routine', padding = ''): SpoolEntry {
  const measurement = { input: `https://${name}.example/`, padding } as unknown as Measurement
  return {
    class: recordClass,
    time: { wall_ms: 1_790_000_000_000, boot: 'b', mono_ms: 1, clock: 'synced' },
    measurement,
  }
}

/** One record as a collector reads it. */
export interface SealedRecord {
  readonly n: number
  readonly class: RecordClass
  /** The name given to `sampleEntry`. */
  readonly name: string
  readonly padding: string
}

export interface OpenedBatch {
  readonly id: BatchId
  readonly manifest: Manifest
  readonly records: readonly SealedRecord[]
}

/** Checks a batch as a collector does, and reads it. */
export function openBatch(bytes: Uint8Array): OpenedBatch {
  const { id, manifest, payload } = verifyBatch(bytes, (key) => (key === sampleDevice ? publicKey : null))
  const opened = openPayload(manifest.payload, payload)
  if (opened.kind !== 'opened') throw new Error(opened.problem)
  const lines = opened.raw.toString('utf8').split('\n').slice(0, -1)
  const records = lines.map((line) => {
    const { n, class: recordClass, measurement } = JSON.parse(line)
    const name = /^https:\/\/(.*)\.example\/$/.exec(measurement.input)?.[1] ?? ''
    return { n, class: recordClass, name, padding: measurement.padding }
  })
  return { id, manifest, records }
}

/** Seals until nothing is left, and reads all batches that are pending. */
export async function sealAll(spool: Spool): Promise<OpenedBatch[]> {
  while ((await spool.seal('manual', enrolmentDigest)) !== null);
  return await readPending(spool)
}

export async function readPending(spool: Spool): Promise<OpenedBatch[]> {
  const opened: OpenedBatch[] = []
  for (const { id } of spool.pending()) opened.push(openBatch(await spool.read(id)))
  return opened.sort((a, b) => a.manifest.seq - b.manifest.seq)
}

export function receiptFor({ id, manifest }: Pick<OpenedBatch, 'id' | 'manifest'>): Receipt {
  const { device, epoch, seq } = manifest
  return {
    v: 1,
    batch: id,
    device,
    epoch,
    seq,
    status: 'stored',
    reason: null,
    at: 1_790_000_000_000,
    collector: 'c'.repeat(32),
    contiguous: seq,
    missing: [],
    nextAfterS: 0,
  }
}

/** All numbers that a list of ranges names. */
export function numbersIn(ranges: readonly (readonly [number, number])[]): number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
}

/** All numbers that manifests name as lost, for one reason or for any. */
export function lostIn(batches: readonly OpenedBatch[], reason?: string): number[] {
  const losses = batches.flatMap(({ manifest }) => manifest.lost)
  return losses
    .filter((each) => reason === undefined || each.reason === reason)
    .flatMap((each) => numbersIn(each.ranges))
}
