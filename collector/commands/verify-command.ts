// `sonde-collector verify FILE...`: checks batch files offline, by keys that were given or those of the probes
// enrolled here, and says what they prove. Writes nothing, so that it runs beside a collector that serves.

import { readFileSync, statSync } from 'node:fs'
import { maxBatchBytes } from '../../tests-spec/protocol/batch.ts'
import { verificationText } from '../../tests-spec/protocol/verification-text.ts'
import {
  type KnownProbe,
  probeOfKey,
  type Verification,
  verifyBatchesBeside,
} from '../../tests-spec/protocol/verify-batches.ts'
import { openCollectorKey } from '../archive/collector-key.ts'
import { decoder } from '../archive/decoder.ts'
import { ProbeRegister } from '../archive/probe-register.ts'
import { CommandFailed } from './command-failed.ts'
import { type Command, jsonOption, stateOption } from './invocation.ts'
import { existingState } from './state-folder.ts'

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'check batch files offline and say what they prove',
  more: 'Believes a file by --key, or by the probes that are enrolled in --state. Batches that are missing are no fault.',
  operands: [{ name: 'FILE', kind: 'file', count: 'one or more' }],
  options: [
    {
      name: 'key',
      value: { name: 'KEY', kind: 'text' },
      repeated: true,
      help: "a probe's public key, base64 SPKI",
    },
    { ...stateOption, required: false, help: 'the state folder whose probes are known' },
    jsonOption,
  ],
  exits: [{ code: 1, meaning: 'a file or a chain is not good' }],
  async run({ given, terminal }) {
    const keys = given.values('key')
    // Keys that were given are meant: a state folder of the environment adds its probes only where there are none.
    const state = keys.length > 0 ? given.said('state') : given.value('state')
    if (keys.length === 0 && state === null)
      throw new CommandFailed('bad_usage', 'Say whose batches these are: --key KEY or --state DIR.')
    const result = await verifyFiles({ files: given.operands, keys, state })
    terminal.out(given.has('json') ? `${JSON.stringify(result, null, 2)}\n` : verificationText(result))
    return result.good ? 0 : 1
  },
}

export interface VerifyRequest {
  readonly files: readonly string[]
  /** Public keys, base64 SPKI. */
  readonly keys: readonly string[]
  /** Whose enrolled probes are known; null: only the keys. */
  readonly state: string | null
}

export async function verifyFiles({ files, keys, state }: VerifyRequest): Promise<Verification> {
  const enrolled = state === null ? [] : await enrolledProbes(state)
  const known = [...keys.map(probeOf), ...enrolled]
  try {
    return await verifyBatchesBeside(files, readBatchFile, known, (...of) => decoder.open(...of))
  } finally {
    // Its thread would keep the command.
    decoder.close()
  }
}

function probeOf(key: string): KnownProbe {
  try {
    return probeOfKey(key)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed('bad_usage', `Cannot take the probe's key from ${key}: ${why}`, { cause })
  }
}

async function enrolledProbes(state: string): Promise<KnownProbe[]> {
  const { id } = await openCollectorKey(existingState(state))
  const register = await ProbeRegister.open(state, id)
  return register.all().map(({ publicKey, digest }) => ({ publicKey, enrolmentDigest: digest }))
}

/** @throws For a file that is longer than any batch: it is not read at all. */
function readBatchFile(path: string): Uint8Array {
  const { size } = statSync(path)
  if (size > maxBatchBytes) throw new Error(`File has ${size} bytes, a batch at most ${maxBatchBytes}`)
  return readFileSync(path)
}
