// `sonde verify FILE...`: checks batch files offline and says what they prove. Needs no state folder and makes none,
// so that it runs on the machine of whoever holds the files.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { maxBatchBytes } from '../../tests-spec/protocol/batch.ts'
import { verificationText } from '../../tests-spec/protocol/verification-text.ts'
import {
  type KnownProbe,
  probeOfEnrolment,
  probeOfKey,
  verifyBatches,
} from '../../tests-spec/protocol/verify-batches.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import type { Terminal } from './terminal.ts'

export interface VerifyRequest {
  readonly files: readonly string[]
  /** Public keys, base64 SPKI. */
  readonly keys: readonly string[]
  /** A collector's `probes/*.json`, or the `enrolment.json` of a probe's state folder. */
  readonly enrolments: readonly string[]
  /** Where an `enrolment.json` is looked for when neither is given; null: nowhere. */
  readonly state: string | null
  readonly json: boolean
}

/** @returns 0 when every file is believed and no chain contradicts itself, else 1. */
export function verifyFiles(request: VerifyRequest, terminal: Pick<Terminal, 'out'>): number {
  const { files, keys, json } = request
  if (files.length === 0)
    throw new ActionableError('bad_usage', 'Say which batch files: sonde verify FILE...')
  const enrolments = keys.length + request.enrolments.length > 0 ? request.enrolments : ownEnrolment(request)
  const probes = [
    ...keys.map((key) => known(key, probeOfKey)),
    ...enrolments.map((path) => known(path, readProbe)),
  ]
  const result = verifyBatches(files, readBatchFile, probes)
  terminal.out(json ? `${JSON.stringify(result, null, 2)}\n` : verificationText(result))
  return result.good ? 0 : 1
}

function ownEnrolment({ state }: VerifyRequest): string[] {
  const path = state === null ? null : join(state, 'enrolment.json')
  if (path !== null && existsSync(path)) return [path]
  throw new ActionableError(
    'bad_usage',
    "Say whose batches these are: --key with the probe's public key, or --enrolment with its enrolment record.",
  )
}

function known(what: string, read: (what: string) => KnownProbe): KnownProbe {
  try {
    return read(what)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('bad_usage', `Cannot take the probe's key from ${what}: ${why}`, { cause })
  }
}

/** The record names its collector's key itself: whom to believe is decided by whoever chose the file. */
function readProbe(path: string): KnownProbe {
  const text = readFileSync(path, 'utf8')
  const { record } = JSON.parse(text)
  const envelope = typeof record === 'string' ? record : text
  const body = JSON.parse(Buffer.from(String(JSON.parse(envelope).payload), 'base64').toString('utf8'))
  return probeOfEnrolment(Buffer.from(envelope), String(body.collector))
}

/** @throws For a file that is longer than any batch: it is not read at all. */
function readBatchFile(path: string): Uint8Array {
  const { size } = statSync(path)
  if (size > maxBatchBytes) throw new Error(`File has ${size} bytes, a batch at most ${maxBatchBytes}`)
  return readFileSync(path)
}
