// Which collector this device belongs to: the signed record, kept as it came, and where the collector was found.

import type { KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import * as v from 'valibot'
import { type Endpoint, readEndpoints } from '../tests-spec/protocol/endpoint.ts'
import { openEnrolment } from '../tests-spec/protocol/enrolment.ts'
import { ActionableError } from './platform/actionable-error.ts'
import { writeFileDurably } from './platform/atomic-file.ts'

const enrolmentFile = v.strictObject({
  /** Base URL of the collector. */
  url: v.pipe(v.string(), v.url()),
  collector_key_id: v.string(),
  /** The DSSE envelope, byte for byte. */
  record: v.string(),
})

/** What uploading needs to know. */
export interface Collector {
  readonly url: string
  readonly collectorKeyId: string
  readonly collectorKey: KeyObject
  /** What the first batch of every epoch links back to. */
  readonly enrolmentDigest: string
  /** Milliseconds since 1970 on the collector's clock. */
  readonly enrolledAt: number
  /** Whom to seal to for a stick, as the record says; null in one from before there was anyone. */
  readonly recipient: string | null
  /** Ways to it that the record names. */
  readonly endpoints: readonly Endpoint[]
}

/**
 * @returns null while the device is not enrolled.
 * @throws {ActionableError} `bad_state` when the file is there and cannot be believed.
 */
export function readEnrolment(path: string): Collector | null {
  if (!existsSync(path)) return null
  try {
    const { url, collector_key_id, record } = v.parse(enrolmentFile, JSON.parse(readFileSync(path, 'utf8')))
    const { enrolment, collectorKey, digest } = openEnrolment(Buffer.from(record), collector_key_id)
    const { at: enrolledAt, recipient = null } = enrolment
    const endpoints = readEndpoints(enrolment.endpoints ?? [])
    const collectorKeyId = collector_key_id
    return { url, collectorKeyId, collectorKey, enrolmentDigest: digest, enrolledAt, recipient, endpoints }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('bad_state', `Cannot believe ${path}: ${why}. Enrol again with a new token.`, {
      cause,
    })
  }
}

export async function writeEnrolment(
  path: string,
  url: string,
  collectorKeyId: string,
  record: Uint8Array,
): Promise<void> {
  const content = { url, collector_key_id: collectorKeyId, record: Buffer.from(record).toString('utf8') }
  await writeFileDurably(path, Buffer.from(`${JSON.stringify(content)}\n`))
}
