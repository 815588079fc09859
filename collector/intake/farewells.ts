// Takes the last words of probes whose hosts withdraw: farewell.md. From then on the probe counts as revoked.

import { EnvelopeRefused } from '../../tests-spec/protocol/dsse.ts'
import { openFarewell } from '../../tests-spec/protocol/farewell.ts'
import type { ProbeRegister } from '../archive/probe-register.ts'
import type { Log } from '../log.ts'
import { Refused } from './refusal.ts'

export interface FarewellParts {
  readonly probes: ProbeRegister
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info'>
}

/**
 * @param word - As it came.
 * @returns The device, once its withdrawal survives a power cut.
 * @throws {Refused} `bad_request`, `bad_proof`.
 */
export async function takeFarewell(word: Uint8Array, { probes, now, log }: FarewellParts): Promise<string> {
  const { device } = believed(word, probes)
  // Of one that the operator has revoked, their own note stays.
  if (!probes.isRevoked(device)) {
    await probes.withdraw(device, word, now())
    log.info('probe_withdrawn', { device })
  }
  return device
}

function believed(word: Uint8Array, probes: ProbeRegister) {
  try {
    return openFarewell(word, (id) => probes.get(id)?.publicKey ?? null)
  } catch (cause) {
    if (cause instanceof EnvelopeRefused && /key|signature/.test(cause.code))
      throw new Refused('bad_proof', 'No enrolled probe has signed this farewell', { cause })
    throw new Refused('bad_request', 'Not a farewell', { cause })
  }
}
