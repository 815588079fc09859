// A look from outside: asks the test helpers of the list, one after the other, what they see of a URL. The protocol is
// tests-spec/protocol/test-helper.md. Measuring goes on without any.

import { isIP } from 'node:net'
import * as v from 'valibot'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import {
  type TestHelperRequest,
  type TestHelperResponse,
  testHelperResponse,
} from '../../tests-spec/protocol/test-helper.ts'
import { httpRoundTrip } from '../operations/http-round-trip.ts'
import { offeredProtocols } from '../operations/offered-protocols.ts'
import { resolveSystem } from '../operations/resolve-system.ts'
import { tcpConnect } from '../operations/tcp-connect.ts'
import { tlsHandshake } from '../operations/tls-handshake.ts'
import type { Bytes } from '../operations/trace.ts'
import type { NettestContext } from './nettest.ts'

/** Milliseconds. A helper takes up to 30 s for a site that drips; OONI waits as long. */
const helperTimeoutMs = 30_000
const connectTimeoutMs = 10_000
/** A helper's answer is a few kB; OONI allows 16 MiB, which a phone need not. */
const maxAnswerBytes = 256 * 1024

/** The answer, or the failure that stood in the way of the last helper asked. */
export interface HelperAnswer {
  readonly control: TestHelperResponse | Failure
  /** Address of the helper that answered; null when none did. */
  readonly helper: string | null
  readonly bytes: Bytes
}

/** OONI's word for an empty list of helpers. */
export const noHelper: Failure = 'unknown_failure: no available helpers'

export async function askHelpers(context: NettestContext, request: TestHelperRequest): Promise<HelperAnswer> {
  let control: HelperAnswer['control'] = noHelper
  const bytes = { sent: 0, received: 0 }
  for (const helper of context.helpers) {
    const answer = await askOne(context, new URL(helper), request, bytes)
    if (typeof answer !== 'string') return { control: answer, helper, bytes }
    control = answer
    if (context.trace.signal.aborted) break
  }
  return { control, helper: null, bytes }
}

/** @returns The answer, or the failure string of the step that failed. */
async function askOne(
  { trace, transactionIds, wallClock }: NettestContext,
  url: URL,
  request: TestHelperRequest,
  total: { sent: number; received: number },
): Promise<TestHelperResponse | Failure> {
  const add = (bytes: Bytes) => {
    total.sent += bytes.sent
    total.received += bytes.received
  }
  // None of this is evidence about the target, so its observations are not kept; its bytes cost all the same.
  const step = { transactionId: transactionIds.next('secure'), tags: ['helper'], timeoutMs: connectTimeoutMs }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const resolved =
    isIP(host) === 0 ? await resolveSystem(trace, host, step) : { addresses: [host], failure: null }
  const ip = resolved.addresses[0]
  if (ip === undefined) return resolved.failure ?? 'dns_no_answer'
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const connected = await tcpConnect(trace, { ip, port }, step)
  if (connected.socket === null) return connected.observation.status.failure ?? 'generic_timeout_error'
  let channel = connected.socket
  if (secure) {
    const serverName = isIP(host) === 0 ? host : null
    const alpn = offeredProtocols()
    const shaken = await tlsHandshake(trace, channel, {
      ...step,
      serverName,
      verifyName: host,
      alpn,
      now: wallClock,
    })
    add(shaken.bytes)
    if (shaken.socket === null) return shaken.observation.failure ?? 'generic_timeout_error'
    channel = shaken.socket
  }
  const body = Buffer.from(JSON.stringify(request))
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
  const options = { ...step, timeoutMs: helperTimeoutMs, maxBodyBytes: maxAnswerBytes }
  const trip = await httpRoundTrip(trace, channel, { url, method: 'POST', headers, body }, options)
  add(trip.bytes)
  const { failure, response } = trip.observation
  if (failure !== null) return failure
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
