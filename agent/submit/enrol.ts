// Makes the device known to a collector: tests-spec/protocol/enrolment.md. The token says which collector to believe,
// so the network in between need not be trusted.

import type { KeyObject } from 'node:crypto'
import { safeText } from '../../tests-spec/command-line/safe-text.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import {
  type Enrolment,
  makeEnrolmentRequest,
  openEnrolment,
  readToken,
} from '../../tests-spec/protocol/enrolment.ts'
import { readProblem, reasonOf } from './answer.ts'
import type { Answer } from './transports/connection.ts'
import { NoAnswer } from './transports/no-answer.ts'
import { type OneWayOptions, openWay } from './ways/one-way.ts'

/** These codes are stable: the how-to pages are ordered by them. */
export type EnrolmentFailureCode = 'bad_token' | 'unreachable' | 'refused' | 'forged'

/**
 * Enrolling did not work, and nothing has changed on the device. `message` says what the operator can do about it.
 */
export class EnrolmentFailed extends Error {
  override readonly name = 'EnrolmentFailed'
  readonly code: EnrolmentFailureCode

  constructor(code: EnrolmentFailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface IdentityKeys {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export interface Enrolled {
  /** The enrolment record as it came: it must be kept byte for byte. */
  readonly record: Buffer
  readonly enrolment: Enrolment
  /** Digest that seq 0 of every epoch links back to. */
  readonly digest: string
}

/**
 * Enrols the device that holds `keys`. Doing it again with the same token and keys is safe: the collector answers with
 * the same record, so an answer that was lost on the way costs nothing.
 *
 * @param url - Base URL of the collector.
 * @throws {EnrolmentFailed}
 */
export async function enrol(
  url: string,
  tokenText: string,
  keys: IdentityKeys,
  options: OneWayOptions,
): Promise<Enrolled> {
  const token = readToken(tokenText)
  if (token === null) {
    throw new EnrolmentFailed(
      'bad_token',
      'This is not a token. It begins with "sonde1-" and has two more parts; copy all of it, as one word.',
    )
  }
  const request = makeEnrolmentRequest(token.secret, keys.publicKey, keys.privateKey)
  const answer = await ask(url, Buffer.from(JSON.stringify(request)), options)
  if (answer.status !== 200 && answer.status !== 201) throw refusalOf(answer, url)
  return believe(answer.body, token.collectorKeyId, keys.publicKey)
}

async function ask(url: string, body: Buffer, options: OneWayOptions): Promise<Answer> {
  try {
    const way = await openWay(url, options)
    const headers = { 'content-type': 'application/json' }
    return await way.exchange({ method: 'POST', path: 'v1/enrol', headers, body }).finally(() => way.close())
  } catch (cause) {
    if (cause instanceof TypeError) {
      const words = `"${url}" is not an address such as https://collector.example.`
      throw new EnrolmentFailed('unreachable', words, { cause })
    }
    if (!(cause instanceof NoAnswer)) throw cause
    throw new EnrolmentFailed(
      'unreachable',
      `The collector at ${url} does not answer (${cause.code}). Check the address and this device's connection, then try again with the same token.`,
      { cause },
    )
  }
}

function refusalOf({ status, body }: Answer, url: string): EnrolmentFailed {
  const said = readProblem(body)
  if (said?.code === 'token_used') {
    return new EnrolmentFailed(
      'bad_token',
      'This token was used by another device. Ask the coordinator for a new one.',
    )
  }
  if (said?.code === 'token_damaged') {
    return new EnrolmentFailed(
      'bad_token',
      'The collector cannot read its note of this token any more. Ask the coordinator for a new one.',
    )
  }
  if (said?.code === 'token_unknown') {
    return new EnrolmentFailed(
      'bad_token',
      'The collector does not know this token. Check that it was copied whole and belongs to this collector, or ask the coordinator for a new one.',
    )
  }
  if (said === null || status >= 500 || status === 408 || status === 429) {
    return new EnrolmentFailed(
      'unreachable',
      `Something at ${url} answered with status ${status}, but not as a collector that can enrol now. Check the address; a network that asks for a login answers like this too. Then try again with the same token.`,
    )
  }
  return new EnrolmentFailed(
    'refused',
    `The collector refused (${reasonOf(said, status)}${said.detail === '' ? '' : `: ${safeText(said.detail, 200)}`}). Tell the coordinator these words.`,
  )
}

/**
 * Checks the record, so that a network in the middle cannot enrol the device with a collector, or under a key, of its
 * own.
 */
function believe(record: Buffer, collectorKeyId: string, publicKey: KeyObject): Enrolled {
  let opened: ReturnType<typeof openEnrolment>
  try {
    opened = openEnrolment(record, collectorKeyId)
  } catch (cause) {
    throw forged(cause)
  }
  if (opened.enrolment.device !== keyIdOf(publicKey)) throw forged(null)
  return { record, enrolment: opened.enrolment, digest: opened.digest }
}

function forged(cause: unknown): EnrolmentFailed {
  return new EnrolmentFailed(
    'forged',
    'The answer does not come from the collector that the token names: something on the way answered in its place. Try from another network; if that fails too, ask the coordinator whether address and token belong together.',
    cause === null ? undefined : { cause },
  )
}
