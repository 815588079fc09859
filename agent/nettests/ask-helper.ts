// A look from outside: asks the test helpers of the list, one after the other, what they see of a URL. The protocol is
// tests-spec/protocol/test-helper.md. Measuring goes on without any.

import { isIP } from 'node:net'
import * as v from 'valibot'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { HttpRequest } from '../../tests-spec/data-formats/observation.ts'
import { hostOfUrl } from '../../tests-spec/nettests/host-text.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { noHelper } from '../../tests-spec/nettests/web-connectivity.ts'
import {
  type TestHelperRequest,
  type TestHelperResponse,
  testHelperResponse,
} from '../../tests-spec/protocol/test-helper.ts'
import { httpRoundTrip } from '../operations/http-round-trip.ts'
import { offeredProtocols } from '../operations/offered-protocols.ts'
import { resolveSystem } from '../operations/resolve-system.ts'
import type { Bytes } from '../operations/trace.ts'
import { type HelperOutcome, type NettestContext, usable } from './nettest.ts'
import { joinBytes, noBytes } from './seen.ts'
import { type Connected, connect, shakeHands } from './steps.ts'

/** A helper's answer is a few kB; OONI allows 16 MiB, which a phone need not. */
const maxAnswerBytes = 256 * 1024

/** The answer, or the failure that stood in the way of the last helper asked. */
export interface HelperAnswer {
  readonly outside: TestHelperResponse | Failure
  /** Address of the helper that answered; null when none did. */
  readonly helper: string | null
  readonly bytes: Bytes
}

/** @param but - URL of a helper that is not to be asked: it has answered already. */
export async function askHelpers(
  context: NettestContext,
  request: TestHelperRequest,
  but: string | null = null,
): Promise<HelperAnswer> {
  let outside: HelperAnswer['outside'] = noHelper
  let bytes = noBytes
  for (const helper of context.helpers.filter((each) => each !== but)) {
    const begun = context.trace.clock.elapsedSeconds()
    const asked = await askOne(context, new URL(helper), request)
    const isSlow = context.trace.clock.elapsedSeconds() - begun >= slowSeconds
    bytes = joinBytes([bytes, asked.bytes])
    outside = asked.answer
    // One that fails at once costs nothing, and may be back for the next question.
    if (asked.outcome !== 'silent' || isSlow) context.noteHelper(helper, asked.outcome)
    if (typeof outside !== 'string') return { outside, helper, bytes }
    if (context.trace.signal.aborted) break
  }
  return { outside, helper: null, bytes }
}

interface Asked {
  /** The failure string of the step that failed, when one did. */
  readonly answer: TestHelperResponse | Failure
  readonly bytes: Bytes
  readonly outcome: HelperOutcome
}

async function askOne(context: NettestContext, url: URL, request: TestHelperRequest): Promise<Asked> {
  // None of this is evidence about the target, so its observations are not kept; its bytes cost all the same.
  const { trace, transactionIds } = context
  const flow = { transactionId: transactionIds.next('secure'), tags: ['helper'] }
  const host = hostOfUrl(url)
  const timeoutMs = patience.helperNameLookupMs
  const { addresses, failure } = await resolveSystem(trace, host, { ...flow, timeoutMs })
  const [ip] = usable(context, addresses)
  if (ip === undefined) return { answer: failure ?? 'dns_no_answer', bytes: noBytes, outcome: 'silent' }
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const connected = await connect(context, { ip, port }, flow)
  if (connected.socket === null) return noAnswer(connected)
  const names = { serverName: isIP(host) === 0 ? host : null, verifyName: host, alpn: offeredProtocols() }
  const channel = secure ? await shakeHands(context, connected.socket, names, flow) : connected
  if (channel.socket === null) return noAnswer(channel)
  const body = Buffer.from(JSON.stringify(request))
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
  const options = { ...flow, timeoutMs: patience.helperAnswerMs, maxBodyBytes: maxAnswerBytes }
  const trip = await httpRoundTrip(trace, channel.socket, { url, method: 'POST', headers, body }, options)
  const bytes = joinBytes([channel.seen.bytes, trip.bytes])
  const { failure: failed, response } = trip.observation
  // One that says after half a minute that it could not is as slow as one that says nothing.
  const isGood = failed === null && response.code === 200
  const outcome = isGood ? 'answered' : noSuchPlace.has(response.code) ? 'none' : 'silent'
  return { answer: failed ?? answerIn(trip.observation), bytes, outcome }
}

const slowSeconds = 2

/** A collector that runs no helper would be asked for each target. */
const noSuchPlace: ReadonlySet<number> = new Set([404, 405, 501])

function noAnswer({ failure, seen }: Connected): Asked {
  return { answer: failure ?? 'generic_timeout_error', bytes: seen.bytes, outcome: 'silent' }
}

function answerIn({ response }: HttpRequest): TestHelperResponse | Failure {
  return response.code === 200 && typeof response.body === 'string'
    ? read(response.body)
    : 'http_request_failed'
}

function read(text: string): TestHelperResponse | Failure {
  try {
    const parsed = v.safeParse(testHelperResponse, JSON.parse(text))
    return parsed.success ? parsed.output : 'json_parse_error'
  } catch {
    return 'json_parse_error'
  }
}
