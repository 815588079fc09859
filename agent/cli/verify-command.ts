// `sonde verify FILE...`: checks batch files offline and says what they prove. Needs no state folder and makes none,
// so that it runs on the machine of whoever holds the files.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { maxBatchBytes } from '../../tests-spec/protocol/batch.ts'
import { verificationText } from '../../tests-spec/protocol/verification-text.ts'
import {
  type KnownProbe,
  probeOfEnrolment,
  probeOfKey,
  type Verification,
  verifyBatches,
} from '../../tests-spec/protocol/verify-batches.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { openStateFolder, usualStateFolder } from '../platform/state-folder.ts'
import type { Command, Invocation } from './invocation.ts'
import { jsonOption, stateOption } from './options.ts'

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'check batch files offline and say what they prove',
  more: "Believes a file by --key or --enrolment; without either, by this device's own record.",
  operands: [{ name: 'FILE', kind: 'file', count: 'one or more' }],
  options: [
    {
      name: 'key',
      value: { name: 'KEY', kind: 'text' },
      repeated: true,
      help: "the probe's public key, base64 SPKI",
    },
    {
      name: 'enrolment',
      value: { name: 'FILE', kind: 'file' },
      repeated: true,
      help: 'its enrolment record: enrolment.json on the probe, probes/*.json at the collector',
    },
    stateOption,
    jsonOption,
  ],
  exits: [{ code: 1, meaning: 'a file or a chain is not good' }],
  async run({ given, env, terminal }) {
    const keys = given.values('key')
    const enrolments = given.values('enrolment')
    // A state folder is looked into where nobody was named, and then it must be there.
    const own = keys.length + enrolments.length > 0 ? null : ownEnrolment(given.value('state'), env)
    const named = own === null ? enrolments : [own]
    const result = verifyFiles({ files: given.operands, keys, enrolments: named })
    terminal.out(given.has('json') ? `${JSON.stringify(result, null, 2)}\n` : verificationText(result))
    return result.good ? 0 : 1
  },
}

export interface VerifyRequest {
  readonly files: readonly string[]
  /** Public keys, base64 SPKI. */
  readonly keys: readonly string[]
  /** A collector's `probes/*.json`, or the `enrolment.json` of a probe's state folder. */
  readonly enrolments: readonly string[]
}

export function verifyFiles({ files, keys, enrolments }: VerifyRequest): Verification {
  const probes = [
    ...keys.map((key) => known(key, probeOfKey)),
    ...enrolments.map((path) => known(path, readProbe)),
  ]
  return verifyBatches(files, readBatchFile, probes)
}

function ownEnrolment(state: string | null, env: Invocation['env']): string {
  const nobody =
    "Say whose batches these are: --key with the probe's public key, or --enrolment with its enrolment record."
  // Nobody named a folder, so that there is none is no mistake.
  const usual = usualStateFolder(env)
  if (state === null && (usual === null || !existsSync(usual))) throw new ActionableError('bad_usage', nobody)
  const { enrolment } = openStateFolder(state, env)
  if (existsSync(enrolment)) return enrolment
  throw new ActionableError('bad_usage', nobody)
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
