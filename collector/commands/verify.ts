// `sonde-collector verify FILE...`: checks batch files offline, by keys that were given or those of the probes
// enrolled here, and says what they prove. Writes nothing, so that it runs beside a collector that serves.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { maxBatchBytes } from '../../tests-spec/protocol/batch.ts'
import { verificationText } from '../../tests-spec/protocol/verification-text.ts'
import {
  type KnownProbe,
  probeOfKey,
  type Verification,
  verifyBatches,
} from '../../tests-spec/protocol/verify-batches.ts'
import { openCollectorKey } from '../archive/collector-key.ts'
import { ProbeRegister } from '../archive/probe-register.ts'
import { UsageError } from '../command-line.ts'

export interface VerifyRequest {
  readonly files: readonly string[]
  /** Public keys, base64 SPKI. */
  readonly keys: readonly string[]
  /** Whose enrolled probes are known; null: only the keys. */
  readonly state: string | null
}

export async function verifyFiles({ files, keys, state }: VerifyRequest): Promise<Verification> {
  const enrolled = state === null ? [] : await enrolledProbes(state)
  return verifyBatches(files, readBatchFile, [...keys.map(probeOf), ...enrolled])
}

export function verificationShown(result: Verification, json: boolean): string {
  return json ? `${JSON.stringify(result, null, 2)}\n` : verificationText(result)
}

function probeOf(key: string): KnownProbe {
  try {
    return probeOfKey(key)
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

async function enrolledProbes(state: string): Promise<KnownProbe[]> {
  // Opening would make a key and folders, and a state folder by a typing mistake.
  if (!existsSync(join(state, 'collector-key')))
    throw new UsageError(`There is no collector's state in ${state}`)
  const { id } = await openCollectorKey(state)
  const register = await ProbeRegister.open(state, id)
  return register.all().map(({ publicKey, digest }) => ({ publicKey, enrolmentDigest: digest }))
}

/** @throws For a file that is longer than any batch: it is not read at all. */
function readBatchFile(path: string): Uint8Array {
  const { size } = statSync(path)
  if (size > maxBatchBytes) throw new Error(`File has ${size} bytes, a batch at most ${maxBatchBytes}`)
  return readFileSync(path)
}
