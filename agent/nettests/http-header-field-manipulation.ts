// The nettest `http_header_field_manipulation`: tests-spec/nettests/http-header-field-manipulation.md. One request with
// odd capitals, to a server that tells what it got.

import { randomInt } from 'node:crypto'
import * as v from 'valibot'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { HttpRequest } from '../../tests-spec/data-formats/observation.ts'
import {
  compareWithReply,
  helperReply,
  keptReply,
  oddMethod,
  oddRequestLine,
  parseHelperUrl,
  type SeenByHelper,
  headerFieldManipulation as spec,
} from '../../tests-spec/nettests/http-header-field-manipulation.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { describeResponse } from '../operations/http-response.ts'
import { readHttp1 } from '../operations/http1-message.ts'
import { type RawExchange, rawExchange } from '../operations/raw-exchange.ts'
import { describeBytes, formatEndpoint } from '../operations/wire.ts'
import { measuredBy, type Nettest, usable } from './nettest.ts'
import { besides, joinSeen, nothingSeen, seenOf } from './seen.ts'
import { connect } from './steps.ts'

/** Six headers and their names come back in less than one. */
const maxReceivedBytes = 16 * 1024

/** OONI's, in everyday values. `Host` is a name that nobody has, so that nobody's server is meant. */
const plainHeaders = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-charset': 'ISO-8859-1,utf-8;q=0.7,*;q=0.3',
  'accept-encoding': 'gzip,deflate,sdch',
  'accept-language': 'en-US,en;q=0.8',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
}

export const headerFieldManipulation: Nettest = measuredBy(spec, async (context, _input, { helper }) => {
  const { trace, transactionIds } = context
  const given = helper === undefined ? null : parseHelperUrl(helper)
  // A list must not make a device knock at its own network.
  const endpoint = given !== null && usable(context, [given.ip]).length > 0 ? given : null
  const nothing = { x_sonde_seen_by_helper: null, x_sonde_sent_headers: null }
  if (endpoint === null || helper === undefined) {
    return besides(nothingSeen, nothing)
  }
  const sent = oddHeaders()
  const asked = {
    x_sonde_helper: helper,
    x_sonde_sent_headers: Object.keys(sent),
    x_sonde_seen_by_helper: null,
  }
  const flow = { transactionId: transactionIds.next('cleartext'), tags: [] }
  const { seen, socket } = await connect(context, endpoint, flow)
  if (socket === null) return besides(seen, asked)

  const lines = [oddRequestLine, ...Object.entries(sent).map(([name, value]) => `${name}: ${value}`)]
  const exchange = await rawExchange(trace, socket, Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), {
    ...flow,
    timeoutMs: patience.responseMs,
    maxBytes: maxReceivedBytes,
    isWhole: (received) => readHttp1(received)?.whole !== false,
  })
  const request = describe(exchange, helper, formatEndpoint(endpoint), sent)
  const reply = request.failure === null ? readReply(exchange.received, sent) : null
  // Never as it came: a proxy may have written into it whom it serves.
  const body = reply === null ? '' : keptReply(sent, reply)
  const kept = { ...request, response: { ...request.response, body } }
  const answer = seenOf({ requests: [kept], network_events: exchange.events }, exchange.bytes)
  return besides(joinSeen([seen, answer]), { ...asked, x_sonde_seen_by_helper: reply })
})

/** In random order, each letter of each name large or small by chance. */
function oddHeaders(): Record<string, string> {
  const host = `${Array.from({ length: 15 }, () => String.fromCharCode(97 + randomInt(26))).join('')}.com`
  const headers = Object.entries({ ...plainHeaders, host }).map(([name, value]) => ({
    name: name.replaceAll(/[a-z]/g, (letter) => (randomInt(2) === 0 ? letter : letter.toUpperCase())),
    value,
    place: randomInt(0x10000),
  }))
  headers.sort((a, b) => a.place - b.place)
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]))
}

/** In the form that other requests have. Without the body's digest: the body may hold the address of this probe. */
function describe(
  { received, failure, events, bytes }: RawExchange,
  url: string,
  address: string,
  sent: Readonly<Record<string, string>>,
): HttpRequest {
  const message = readHttp1(received)
  const blank = { status: 0, headersList: [], body: Buffer.alloc(0), truncated: false, bodySeconds: null }
  const { x_sonde_body_sha256: _digest, ...response } = describeResponse(message ?? blank, false)
  const [write, read] = events
  return {
    network: 'tcp',
    address,
    alpn: '',
    failure: failureOf(failure, received, message),
    ...describeBytes(bytes),
    request: {
      method: oddMethod,
      url,
      headers: sent,
      headers_list: Object.entries(sent).map(([name, value]) => [name, value]),
      body: '',
      body_is_truncated: false,
      x_transport: 'tcp',
    },
    response,
    t0: write?.t0 ?? 0,
    t: read?.t ?? 0,
    transaction_id: read?.transaction_id ?? 0,
    tags: [],
  }
}

/** A response without a length ends when the server closes, which is then no failure. */
function failureOf(
  ended: Failure | null,
  received: Buffer,
  message: ReturnType<typeof readHttp1>,
): Failure | null {
  if (received.length > 0 && message === null) return 'http_invalid_response'
  if (message === null || message.status === 0) return ended ?? 'eof_error'
  return message.whole || ended === 'eof_error' ? null : ended
}

function readReply(received: Buffer, sent: Readonly<Record<string, string>>): SeenByHelper | null {
  try {
    const parsed = v.safeParse(helperReply, JSON.parse((readHttp1(received)?.body ?? '').toString()))
    return parsed.success ? compareWithReply(sent, parsed.output) : null
  } catch {
    // Not JSON, so not the helper: the rules say so.
    return null
  }
}
