// The nettest `http_invalid_request_line`: tests-spec/nettests/http-invalid-request-line.md. Five requests that are
// none, to a server that echoes bytes.

import { isUtf8 } from 'node:buffer'
import { randomInt } from 'node:crypto'
import * as v from 'valibot'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { NetworkEvent, TcpConnect } from '../../tests-spec/data-formats/observation.ts'
import { scrubBytes } from '../../tests-spec/data-formats/scrub-text.ts'
import {
  invalidRequestLineKeys,
  invalidRequestLineName,
  invalidRequestLineOptions,
  invalidRequestLineVersion,
  judgeInvalidRequestLine,
  parseHelper,
} from '../../tests-spec/nettests/http-invalid-request-line.ts'
import { rawExchange } from '../operations/raw-exchange.ts'
import { tcpConnect } from '../operations/tcp-connect.ts'
import type { Bytes, Endpoint } from '../operations/trace.ts'
import { type Nettest, type NettestContext, nothingSeen, usable } from './nettest.ts'

/** Milliseconds: OONI's. Reading always takes all of it, since an echo server does not close. */
const tcpTimeoutMs = 10_000
const readTimeoutMs = 5_000
/** Twice the longest line that is sent; of a proxy's error page the head is enough. */
const maxReceivedBytes = 2_048

/** @param readMs - Shorter in tests only. */
export function invalidRequestLineWithin(readMs: number): Nettest {
  return {
    name: invalidRequestLineName,
    version: invalidRequestLineVersion,
    async measure(context, _input, options) {
      const { helper } = v.parse(invalidRequestLineOptions, options ?? {})
      const endpoint = helper === undefined ? null : parseHelper(helper)
      // A list must not make a device knock at its own network.
      const contacted = endpoint !== null && usable(context, [endpoint.ip]).length > 0 ? endpoint : null
      const lines = contacted === null ? [] : invalidRequestLines()
      const all =
        contacted === null
          ? []
          : await Promise.all(lines.map((line) => exchange(context, contacted, line, readMs)))
      const bytes = {
        sent: all.reduce((sum, each) => sum + each.bytes.sent, 0),
        received: all.reduce((sum, each) => sum + each.bytes.received, 0),
      }
      const observations = {
        ...nothingSeen.observations,
        tcp_connect: all.map((each) => each.connect),
        network_events: all.flatMap((each) => each.events),
        sent: lines,
        received: all.map((each) => each.received),
        failure_list: all.map((each) => each.failure),
        ...(helper !== undefined && { x_sonde_helper: helper }),
      }
      return { observations, bytes }
    },
    conclude(observations, circumstances) {
      return {
        keys: { ...invalidRequestLineKeys(observations) },
        verdict: judgeInvalidRequestLine(observations, circumstances),
        parts: null,
      }
    },
  }
}

export const invalidRequestLine: Nettest = invalidRequestLineWithin(readTimeoutMs)

interface Exchange {
  readonly connect: TcpConnect
  readonly received: string | { data: string; format: 'base64' }
  readonly failure: Failure | null
  readonly events: readonly NetworkEvent[]
  readonly bytes: Bytes
}

async function exchange(
  { trace, transactionIds }: NettestContext,
  helper: Endpoint,
  line: string,
  readMs: number,
): Promise<Exchange> {
  const step = { transactionId: transactionIds.next('cleartext'), tags: [] }
  const connect = await tcpConnect(trace, helper, { ...step, timeoutMs: tcpTimeoutMs })
  if (connect.socket === null) {
    const { failure } = connect.observation.status
    return { connect: connect.observation, received: '', failure, events: [], bytes: nothingSeen.bytes }
  }
  const options = { ...step, timeoutMs: readMs, maxBytes: maxReceivedBytes }
  const { received, failure, events, bytes } = await rawExchange(
    trace,
    connect.socket,
    Buffer.from(line),
    options,
  )
  return {
    connect: connect.observation,
    received: asText(received),
    failure: failure === 'generic_timeout_error' ? null : failure,
    events,
    bytes,
  }
}

/** Without addresses: a proxy's error page likes to say whom it turns away. */
function asText(bytes: Buffer): Exchange['received'] {
  const scrubbed = scrubBytes(bytes)
  return isUtf8(scrubbed) ? scrubbed.toString() : { data: scrubbed.toString('base64'), format: 'base64' }
}

/** OONI's five, line ends included: an unknown method, too many words, too long, an unknown version, a proxy's own. */
function invalidRequestLines(): string[] {
  const words = Array.from({ length: 4 }, () => letters(5))
  return [
    `${letters(4)} / HTTP/1.1\n\r`,
    `${words.join(' ')}\r\n`,
    `${letters(1024)} / HTTP/1.1\r\n`,
    `GET / HTTP/${letters(3)}\r\n`,
    'GET cache_object://localhost/ HTTP/1.0\n\r',
  ]
}

function letters(count: number): string {
  return String.fromCharCode(...Array.from({ length: count }, () => 65 + randomInt(26)))
}
