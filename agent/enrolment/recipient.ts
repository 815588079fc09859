// The recipient that this probe seals to for a stick. Its enrolment record names it; if the record is from before
// there was a recipient, or the collector's key has changed since, the receipts of its batches name it.

import * as v from 'valibot'
import { type AgeRecipient, readAgeRecipient } from '../../tests-spec/protocol/age.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { AtomicDisk } from '../platform/atomic-file.ts'
import { readStateFile, writeStateFile } from '../platform/state-file.ts'
import type { Collector } from './enrolment.ts'

const toldLater = v.object({
  recipient: v.string(),
  /** Time of the receipt that named it: milliseconds since 1970 on the collector's clock. */
  at: v.number(),
})
type Told = v.InferOutput<typeof toldLater>

/** @returns The recipient that was named last; null when none ever was. */
export async function knownRecipient(path: string, collector: Collector): Promise<AgeRecipient | null> {
  const { recipient } = await lastTold(path, collector)
  return recipient === null ? null : readAgeRecipient(recipient)
}

/**
 * Keeps the recipient that a verified receipt names, when it differs and the receipt is newer.
 *
 * An older receipt may come again, from a stick or for a batch that was sent twice: the time on the collector's own
 * clock decides. It is no fault if the recipient cannot be kept: every receipt names it again.
 */
export async function learnRecipient(
  path: string,
  collector: Collector,
  receipt: Receipt,
  disk?: AtomicDisk,
): Promise<void> {
  const { recipient, at } = receipt
  if (recipient === undefined || readAgeRecipient(recipient) === null) return
  const last = await lastTold(path, collector)
  if (last.recipient === recipient || at <= last.at) return
  const told: Told = { recipient, at }
  await writeStateFile(path, told, { mode: 0o644, ...(disk && { disk }) }).catch(() => {})
}

async function lastTold(path: string, { recipient, enrolledAt }: Collector) {
  const told = await readStateFile(path, toldLater)
  // When the file is torn, or another user's, the recipient named at enrolment still holds.
  return told !== null && told.at > enrolledAt ? told : { recipient, at: enrolledAt }
}
