// PSB1: a batch of records as one file, the same bytes on the wire, on a USB stick and in the archive. batch.md is
// the page; this file builds and checks batches. The reader unpacks the payload, after the check.
//
//   0 "PSB1" 4 bytes
//   4 u32be H length of the envelope
//   8 DSSE envelope over the manifest, H bytes
//   8+H payload exactly manifest.payload.len bytes, then end of file

import { createHash, type KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { EnvelopeRefused, type KeyLookup, openEnvelope, sealEnvelope } from './dsse.ts'
import { parseStrictJson } from './strict-json.ts'

export const batchMediaType = 'application/vnd.sonde.batch'
export const manifestType = 'application/vnd.sonde.batch-manifest.v1+json'

/**
 * Manifests have about 1 kB; 64 KiB leaves room for 32 lost ranges and limits what is read before the signature is
 * checked.
 */
export const maxEnvelopeBytes = 65_536
/**
 * Bytes of the largest payload that a collector takes. A device seals at 64 KiB, the unit of resumption on a bad
 * link.
 */
export const maxPayloadBytes = 8 * 1024 * 1024
/** Bytes of the largest possible batch: head, envelope, payload. */
export const maxBatchBytes = 8 + maxEnvelopeBytes + maxPayloadBytes
/** Ceiling of the unpacked payload in bytes: four times what a probe seals at once. */
export const maxRawBytes = 16 * 1024 * 1024

/** A batch a second for a century. */
export const maxSeq = 0xffff_ffff

/** How a payload is packed. */
export const payloadCodecs = ['br', 'br+columns'] as const
export type PayloadCodec = (typeof payloadCodecs)[number]

const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const range = v.tuple([count, count])

export const deviceId = v.pipe(hex(32), v.brand('DeviceId'))
export const batchId = v.pipe(hex(64), v.brand('BatchId'))
export type DeviceId = v.InferOutput<typeof deviceId>
export type BatchId = v.InferOutput<typeof batchId>
export const uploadName = v.pipe(hex(64), v.brand('UploadName'))
export type UploadName = v.InferOutput<typeof uploadName>

const change = v.pipe(v.number(), v.safeInteger())

/** A moment within the probe's boot: `mono_ms`, `suspended_ms` and `steps` of a record's time. */
const moment = {
  monoMs: count,
  suspendedMs: v.optional(v.nullable(change)),
  stepCount: v.optional(count),
}

/** What a receipt told the probe of the time. batch.md, "Time". */
export const timeAnchor = v.looseObject({
  /** Id of the batch that was receipted; `at` is the receipt's. */
  batch: batchId,
  at: count,
  /** A moment at which the batch had not left the probe yet; null when none is known. */
  sent: v.nullable(v.looseObject(moment)),
  /** A moment at which the probe had the receipt. */
  received: v.looseObject(moment),
})
export type TimeAnchor = v.InferOutput<typeof timeAnchor>

/** How the wall clock moved against the monotonic one between two checks of both. */
export const timeStep = v.looseObject({
  monoMs: count,
  /** How many milliseconds the wall clock went further; negative when it was set back. */
  deltaMs: change,
  /** For how many of these milliseconds the machine slept; null when it cannot tell. */
  suspendedMs: v.nullable(change),
})
export type TimeStep = v.InferOutput<typeof timeStep>

/** Records that will never be sent, and why. A gap that is not named here is tampering or a lost card. */
export const lostRecords = v.looseObject({
  ranges: v.pipe(v.array(range), v.maxLength(32)),
  reason: v.picklist(['evicted', 'corrupt', 'torn', 'disk_full', 'unknown']),
})
export type LostRecords = v.InferOutput<typeof lostRecords>

export const manifest = v.looseObject({
  v: v.literal(1),
  device: deviceId,
  /** Names one life of the spool: 72 random bits, new when the spool is created or lost. */
  epoch: hex(18),
  /** Number of the batch, from 0, without gaps within an epoch. One seq never has two contents. */
  seq: v.pipe(count, v.maxValue(maxSeq)),
  /** The batchId of seq − 1; for seq 0, the SHA-256 of the enrolment record. */
  prev: hex(64),
  records: v.looseObject({
    n: count,
    /** First and last `n` of each unbroken run of records, ascending. */
    ranges: v.array(range),
    classes: v.looseObject({ anomaly: count, routine: count, diagnostic: count }),
  }),
  lost: v.array(lostRecords),
  payload: v.looseObject({
    codec: v.picklist(payloadCodecs),
    len: v.pipe(count, v.maxValue(maxPayloadBytes)),
    sha256: hex(64),
    rawLen: v.pipe(count, v.maxValue(maxRawBytes)),
    rawSha256: hex(64),
    /** Which kind of document each line is. */
    schema: v.literal('sonde-record-1'),
  }),
  time: v.looseObject({
    wall: count,
    bootId: v.string(),
    ...moment,
    src: v.picklist(['ntp', 'receipt', 'http-date', 'rtc', 'user', 'none']),
    /** Milliseconds by which the wall clock may be wrong; null when that is not known. */
    uncMs: v.nullable(count),
    /** Seconds since this probe was last told the time; absent when it has not been told since it started. */
    lastSyncAgeS: v.optional(count),
    /** Lower bound of the true time at sealing, from build date and receipts; milliseconds since 1970. */
    notBefore: v.optional(count),
    /** Steps of the clock since the batch before; only the newest few. */
    steps: v.optional(v.pipe(v.array(timeStep), v.maxLength(32))),
    /** What receipts told in this boot, since the batch before. */
    anchors: v.optional(v.pipe(v.array(timeAnchor), v.maxLength(16))),
  }),
  /** What else waited on the device when this batch was sealed; absent when the probe does not say. */
  backlog: v.optional(
    v.looseObject({
      /** Number of records in no batch yet. */
      records: count,
      /** Number of sealed batches without a receipt, not counting this one. */
      batches: count,
    }),
  ),
  /** Test lists in force while the records were made, and their versions. */
  lists: v.record(v.string(), count),
  agent: v.looseObject({ version: v.string() }),
  /** What the probe says of itself; read by `readHeartbeat()`, so that no batch is refused for it. */
  heartbeat: v.optional(v.unknown()),
  /** What became of orders, and the log that one asked for: lists/orders.md. Read as leniently. */
  answers: v.optional(v.unknown()),
  log: v.optional(v.unknown()),
  why: v.picklist(['size', 'age', 'urgent', 'export', 'manual']),
})
export type Manifest = v.InferOutput<typeof manifest>

export type BatchRefusalCode =
  | 'not_a_batch'
  | 'truncated'
  | 'trailing_bytes'
  | 'too_large'
  | 'bad_envelope'
  | 'unknown_key'
  | 'bad_signature'
  | 'bad_manifest'
  | 'device_mismatch'
  | 'payload_mismatch'

/** A file that must not be believed as a batch. */
export class BatchRefused extends Error {
  override readonly name = 'BatchRefused'
  readonly code: BatchRefusalCode
  /** Id of the batch, when its signature verified before the refusal; null otherwise. */
  readonly batch: BatchId | null

  constructor(
    code: BatchRefusalCode,
    message: string,
    { batch = null, ...options }: ErrorOptions & { readonly batch?: BatchId | null } = {},
  ) {
    super(message, options)
    this.code = code
    this.batch = batch
  }
}

export interface VerifiedBatch {
  readonly id: BatchId
  readonly manifest: Manifest
  /**
   * The payload as stored, still compressed: it is unpacked after the receipt, with `manifest.payload.rawLen` as
   * ceiling.
   */
  readonly payload: Uint8Array
}

/**
 * A batch that waits for its receipt, as the parts of a probe describe it to each other. It is never sent in this
 * form.
 */
export interface PendingBatch {
  readonly id: BatchId
  readonly seq: number
  /** Size of the batch as it is sent. */
  readonly bytes: number
  /** Number of its records that are anomalies. */
  readonly anomalies: number
}

/** Puts a batch together. `payload` must be the bytes that `manifest.payload` describes. */
export function encodeBatch(
  content: Manifest,
  payload: Uint8Array,
  privateKey: KeyObject,
): { id: BatchId; bytes: Buffer } {
  const body = Buffer.from(JSON.stringify(content))
  const envelope = sealEnvelope(manifestType, body, content.device, privateKey)
  const head = Buffer.alloc(8)
  head.write('PSB1', 'latin1')
  head.writeUInt32BE(envelope.length, 4)
  return { id: batchIdOf(body), bytes: Buffer.concat([head, envelope, payload]) }
}

/**
 * Checks everything that can be checked with one public key: form, signature, device, length, digest.
 *
 * It leaves out what needs other batches (seq and prev) and never unpacks the payload: of 60 damaged files, 13
 * reached a decompressor that ran before the digest was checked.
 *
 * @param keyOf - Gives the public key of a device by its id, or null.
 * @throws {BatchRefused}
 */
export function verifyBatch(bytes: Uint8Array, keyOf: KeyLookup): VerifiedBatch {
  const { id, manifest: content, payloadOffset } = verifyHead(bytes, keyOf)
  const payload = bytes.subarray(payloadOffset)
  checkPayload(content, payload)
  return { id, manifest: content, payload }
}

/** What the beginning of a batch proves before the rest has come. */
export interface BatchHead {
  readonly id: BatchId
  readonly upload: UploadName
  readonly manifest: Manifest
  /** Bytes from the start of the file to the payload. */
  readonly payloadOffset: number
}

/**
 * Checks the part of a batch that comes first, as `verifyBatch` does: form, signature, device.
 *
 * @param bytes - The batch from its start to `envelopeEnd()` at least.
 * @throws {BatchRefused}
 */
export function verifyHead(bytes: Uint8Array, keyOf: KeyLookup): BatchHead {
  const payloadOffset = envelopeEnd(bytes)
  if (bytes.length < payloadOffset) {
    throw new BatchRefused(
      'truncated',
      `Envelope of ${payloadOffset - 8} bytes, but only ${bytes.length - 8} follow`,
    )
  }
  const { body, keyId } = openManifest(bytes.subarray(8, payloadOffset), keyOf)
  const content = readManifest(body)
  // Stops one enrolled device from signing in the name of another.
  if (content.device !== keyId) {
    throw new BatchRefused('device_mismatch', `Batch of ${content.device} is signed by ${keyId}`, {
      batch: batchIdOf(body),
    })
  }
  return { id: batchIdOf(body), upload: uploadNameOf(bytes), manifest: content, payloadOffset }
}

/**
 * How the upload of a batch is named while it is interrupted. A batchId is known to many, since the next batch names it; this
 * is known only to those who have the signature, the sender and the receiver, and is the same over every way, at every
 * collector and after a restart.
 *
 * @param bytes - The batch from its start to `envelopeEnd()` at least.
 * @returns SHA-256 of everything before the payload.
 * @throws {BatchRefused} As `envelopeEnd()`.
 */
export function uploadNameOf(bytes: Uint8Array): UploadName {
  return sha256Hex(bytes.subarray(0, envelopeEnd(bytes))) as UploadName
}

/**
 * The length that the batch at the beginning of `bytes` claims, for cutting apart batches that follow each other.
 *
 * Nothing is verified: the length is only good for choosing which bytes to give to `verifyBatch`.
 *
 * @throws {BatchRefused} When no batch begins here.
 */
export function claimedBatchBytes(bytes: Uint8Array): number {
  const end = envelopeEnd(bytes)
  if (bytes.length < end)
    throw new BatchRefused('truncated', `Envelope of ${end - 8} bytes, but only ${bytes.length - 8} follow`)
  const envelope = bytes.subarray(8, end)
  try {
    const outer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(envelope))
    const body = JSON.parse(Buffer.from(String(outer.payload), 'base64').toString('utf8'))
    return 8 + envelope.length + v.parse(manifest.entries.payload.entries.len, body.payload.len)
  } catch (cause) {
    throw new BatchRefused('bad_envelope', 'Envelope does not say how long its payload is', { cause })
  }
}

/**
 * Reads the frame.
 *
 * @param bytes - The first 8 bytes of a batch, or more.
 * @returns Where the envelope ends and the payload begins, in bytes from the start.
 * @throws {BatchRefused} `truncated`, `not_a_batch`, `too_large`.
 */
export function envelopeEnd(bytes: Uint8Array): number {
  if (bytes.length < 8)
    throw new BatchRefused('truncated', `Batch has ${bytes.length} bytes, expected at least 8`)
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, 8)
  if (head.toString('latin1', 0, 4) !== 'PSB1')
    throw new BatchRefused('not_a_batch', 'File does not begin with PSB1')
  const length = head.readUInt32BE(4)
  if (length > maxEnvelopeBytes) {
    throw new BatchRefused('too_large', `Envelope of ${length} bytes, allowed are ${maxEnvelopeBytes}`)
  }
  return 8 + length
}

function openManifest(envelope: Uint8Array, keyOf: KeyLookup): { body: Buffer; keyId: string } {
  try {
    const { payload, keyId } = openEnvelope(envelope, manifestType, keyOf)
    return { body: payload, keyId }
  } catch (error) {
    if (!(error instanceof EnvelopeRefused)) throw error
    const code = error.code === 'unknown_key' || error.code === 'bad_signature' ? error.code : 'bad_envelope'
    throw new BatchRefused(code, error.message, { cause: error })
  }
}

function readManifest(body: Buffer): Manifest {
  let json: unknown
  try {
    json = parseStrictJson(body)
  } catch (cause) {
    throw new BatchRefused('bad_manifest', 'Manifest is not JSON that all read alike', {
      cause,
      batch: batchIdOf(body),
    })
  }
  const parsed = v.safeParse(manifest, json)
  if (!parsed.success) {
    const faults = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? '(top)'}: ${issue.message}`)
    throw new BatchRefused('bad_manifest', `Manifest does not fit: ${faults.join('; ')}`, {
      batch: batchIdOf(body),
    })
  }
  return parsed.output
}

function checkPayload({ payload: expected }: Manifest, payload: Uint8Array): void {
  if (payload.length < expected.len) {
    throw new BatchRefused('truncated', `Payload has ${payload.length} of ${expected.len} bytes`)
  }
  if (payload.length > expected.len) {
    throw new BatchRefused('trailing_bytes', `${payload.length - expected.len} bytes follow the payload`)
  }
  if (sha256Hex(payload) !== expected.sha256) {
    throw new BatchRefused('payload_mismatch', 'Payload does not have the digest the manifest names')
  }
}

function batchIdOf(manifestBytes: Uint8Array): BatchId {
  return v.parse(batchId, sha256Hex(manifestBytes))
}

/** SHA-256 in hex, the form of every digest in these documents. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
