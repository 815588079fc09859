// Which collector this device belongs to: the signed enrolment record, kept as it came, and the URL of the collector.

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { type Endpoint, readEndpoints } from '../../tests-spec/protocol/endpoint.ts'
import { openEnrolment } from '../../tests-spec/protocol/enrolment.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { isMissing } from '../platform/atomic-file.ts'
import { readRegularSync } from '../platform/regular-file.ts'
import { decodeState, writeStateFile } from '../platform/state-file.ts'

const enrolmentFile = v.strictObject({
  /** Base URL of the collector. */
  url: v.pipe(v.string(), v.url()),
  collector_key_id: v.string(),
  /** The DSSE envelope, byte for byte. */
  record: v.string(),
})

/** What an upload needs to know of the collector. */
export interface Collector {
  /** Id of the device that is enrolled. */
  readonly enrolledDevice: string
  readonly url: string
  readonly collectorKeyId: string
  readonly collectorKey: KeyObject
  /** Digest that the first batch of every epoch links back to. */
  readonly enrolmentDigest: string
  /** Milliseconds since 1970 on the collector's clock. */
  readonly enrolledAt: number
  /** Recipient to seal to for a stick, as the record names it; null in a record from before collectors had one. */
  readonly recipient: string | null
  /** SHA-256 of the root of trust that lists are signed by, in hex; null in a record that names none. */
  readonly listsRoot: string | null
  /** Ways to the collector that the record names. */
  readonly endpoints: readonly Endpoint[]
}

/**
 * @returns null while the device is not enrolled.
 * @throws {ActionableError} `bad_state` when the file exists and cannot be believed.
 */
export function readEnrolment(path: string): Collector | null {
  const bytes = readOrNull(path)
  if (bytes === null) return null
  try {
    const { url, collector_key_id, record } = v.parse(enrolmentFile, contentOf(bytes))
    const { enrolment, collectorKey, digest } = openEnrolment(Buffer.from(record), collector_key_id)
    const { at: enrolledAt, recipient = null, listsRoot = null } = enrolment
    const endpoints = readEndpoints(enrolment.endpoints ?? [])
    const collectorKeyId = collector_key_id
    return {
      enrolledDevice: enrolment.device,
      url,
      collectorKeyId,
      collectorKey,
      enrolmentDigest: digest,
      enrolledAt,
      recipient,
      listsRoot,
      endpoints,
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('bad_state', `Cannot believe ${path}: ${why}. Enrol again with a new token.`, {
      cause,
    })
  }
}

/**
 * Files from before they had a digest are still believed: if rot hits the name of the digest field, the file has a
 * field that this version does not know.
 */
function contentOf(bytes: Buffer): unknown {
  const written = JSON.parse(bytes.toString('utf8'))
  return 'sha256' in written ? decodeState(bytes) : written
}

/**
 * When the disk refuses, the device must not count as one that was never enrolled: its measurements would pile up
 * without a word.
 */
function readOrNull(path: string): Buffer | null {
  try {
    return readRegularSync(path)
  } catch (cause) {
    if (isMissing(cause)) return null
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError(
      'bad_state',
      `Cannot read ${path}: ${why}. Look at the card, and at who owns the file, before you enrol again.`,
      { cause },
    )
  }
}

export async function writeEnrolment(
  path: string,
  url: string,
  collectorKeyId: string,
  record: Uint8Array,
): Promise<void> {
  const content = { url, collector_key_id: collectorKeyId, record: Buffer.from(record).toString('utf8') }
  await writeStateFile(path, content)
}
