// Enrols probes: enrolment.md. A token is spent before its record is issued, so that a crash in between costs a retry
// and never lets a second probe in; the probe that spent the token may retry for ever.

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { type DeviceId, deviceId } from '../../tests-spec/protocol/batch.ts'
import { EnvelopeRefused, keyIdOf, publicKeyFrom } from '../../tests-spec/protocol/dsse.ts'
import type { Endpoint } from '../../tests-spec/protocol/endpoint.ts'
import {
  type EnrolmentRequest,
  enrolmentRequest,
  macHolds,
  proofHolds,
  sealEnrolment,
} from '../../tests-spec/protocol/enrolment.ts'
import type { CollectorKey } from '../archive/collector-key.ts'
import type { ProbeRegister } from '../archive/probe-register.ts'
import type { TokenBox } from '../archive/token-box.ts'
import type { Log } from '../log.ts'
import { Refused } from './refusal.ts'
import { Turns } from './turns.ts'

export interface EnrolmentDeskParts {
  readonly tokens: TokenBox
  readonly probes: ProbeRegister
  readonly key: CollectorKey
  /** Age recipient that probes seal batches to: `age1…`. */
  readonly recipient: string
  /**
   * Ways to this collector, for the records that it issues from now on; without them, a probe has only the URL it
   * enrols with.
   */
  readonly endpoints?: readonly Endpoint[]
  /** SHA-256 of the root of trust of test lists, in hex; null or absent where there is none. */
  readonly listsRoot?: string | null
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info'>
}

export class EnrolmentDesk {
  readonly #parts: EnrolmentDeskParts
  readonly #turns = new Turns()

  constructor(parts: EnrolmentDeskParts) {
    this.#parts = parts
  }

  /**
   * Enrols the probe that holds an unused token and the key that it names.
   *
   * @param body - The request as it came; parsed here.
   * @returns The signed enrolment record. A probe that is enrolled already gets its record as it was issued: its
   * chains begin at that record's digest, so there is never a second one.
   * @throws {Refused} `bad_request`, `token_unknown`, `token_damaged`, `bad_key`, `bad_proof`, `token_used`,
   * `revoked`.
   */
  async enrol(body: unknown): Promise<Buffer> {
    const request = parse(body)
    // Requests are settled one at a time, so that two probes cannot spend one token at the same moment. Enrolment is
    // rare: one queue for all is enough.
    return this.#turns.run('enrolment', () => this.#settle(request))
  }

  async #settle(request: EnrolmentRequest): Promise<Buffer> {
    const { tokens, probes, log } = this.#parts
    const token = await tokens.read(request.token)
    if (token === null) throw new Refused('token_unknown', 'This collector issued no such token')
    if (token === 'damaged')
      throw new Refused(
        'token_damaged',
        'The collector cannot read its note of this token: ask for a new one',
      )
    const publicKey = readKey(request.spki)
    // The MAC stops whoever has heard a request from spending its token on a key of their own.
    if (!macHolds(request, Buffer.from(token.key, 'hex')))
      throw new Refused('bad_proof', 'The request was not made with this token')
    // The proof stops a sender that has only seen a probe's public key from enrolling a probe with it.
    if (!proofHolds(request, publicKey)) throw new Refused('bad_proof', 'The proof is not by this key')
    const device = v.parse(deviceId, keyIdOf(publicKey))
    if (token.usedBy !== null && token.usedBy !== device) {
      throw new Refused('token_used', 'Another probe came with this token')
    }
    if (token.usedBy === null) await tokens.use(request.token, token, device)
    const known = probes.get(device)
    if (probes.isRevoked(device))
      throw new Refused('revoked', 'The operator of this collector takes nothing more from this probe')
    if (known !== null) return known.record
    const { record } = await probes.put(this.#issue(device, publicKey))
    log.info('probe_enrolled', { device })
    return record
  }

  #issue(device: DeviceId, publicKey: KeyObject): Buffer {
    const { key, recipient, now, endpoints = [], listsRoot = null } = this.#parts
    const content = {
      v: 1,
      device,
      spki: base64Spki(publicKey),
      collector: key.id,
      collectorSpki: base64Spki(key.publicKey),
      at: now(),
      recipient,
      ...(listsRoot === null ? {} : { listsRoot }),
      ...(endpoints.length === 0 ? {} : { endpoints: [...endpoints] }),
    } as const
    return sealEnrolment(content, key.privateKey)
  }
}

function parse(body: unknown): EnrolmentRequest {
  const parsed = v.safeParse(enrolmentRequest, body)
  if (parsed.success) return parsed.output
  const faults = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? '(top)'}: ${issue.message}`)
  throw new Refused('bad_request', `Not an enrolment request: ${faults.join('; ')}`)
}

function readKey(spki: string): KeyObject {
  try {
    return publicKeyFrom(spki)
  } catch (cause) {
    if (!(cause instanceof EnvelopeRefused)) throw cause
    throw new Refused('bad_key', cause.message, { cause })
  }
}

/**
 * The text is made from the key and not taken from the request: base64 can write the same key in several ways, and a
 * record must have one.
 */
function base64Spki(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64')
}
