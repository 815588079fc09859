// The nettest `http_invalid_request_line`: tests-spec/nettests/http-invalid-request-line.md. Five requests that are
// none, to a server that echoes bytes.

import { isUtf8 } from 'node:buffer'
import { randomInt } from 'node:crypto'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { scrubBytes } from '../../tests-spec/data-formats/scrub-text.ts'
import {
  parseHelper,
  invalidRequestLine as spec,
} from '../../tests-spec/nettests/http-invalid-request-line.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { rawExchange } from '../operations/raw-exchange.ts'
import type { Endpoint } from '../operations/trace.ts'
import { measuredBy, type Nettest, type NettestContext, usable } from './nettest.ts'
import { besides, joinSeen, type Seen, seenOf } from './seen.ts'
import { connect } from './steps.ts'

/** Twice the longest line that is sent; of a proxy's error page the head is enough. */
const maxReceivedBytes = 2_048

/** @param readMs - Shorter in tests only. */
export function invalidRequestLineWithin(readMs: number): Nettest {
  return measuredBy(spec, async (context, _input, { helper }) => {
    const endpoint = helper === undefined ? null : parseHelper(helper)
    // A list must not make a device knock at its own network.
    const contacted = endpoint !== null && usable(context, [endpoint.ip]).length > 0 ? endpoint : null
    const lines = contacted === null ? [] : invalidRequestLines()
    const all =
      contacted === null
        ? []
        : await Promise.all(lines.map((line) => sendLine(context, contacted, line, readMs)))
    return besides(joinSeen(all.map((each) => each.seen)), {
      sent: lines,
      received: all.map((each) => each.received),
      failure_list: all.map((each) => each.failure),
      ...(helper !== undefined && { x_sonde_helper: helper }),
    })
  })
}

export const invalidRequestLine: Nettest = invalidRequestLineWithin(patience.echoReadMs)

/** What came of one line. */
interface Echo {
  readonly seen: Seen
  readonly received: string | { data: string; format: 'base64' }
  readonly failure: Failure | null
}

async function sendLine(
  context: NettestContext,
  helper: Endpoint,
  line: string,
  readMs: number,
): Promise<Echo> {
  const flow = { transactionId: context.transactionIds.next('cleartext'), tags: [] }
  const connected = await connect(context, helper, flow)
  if (connected.socket === null) return { ...connected, received: '' }
  const options = { ...flow, timeoutMs: readMs, maxBytes: maxReceivedBytes }
  const answer = await rawExchange(context.trace, connected.socket, Buffer.from(line), options)
  return {
    seen: joinSeen([connected.seen, seenOf({ network_events: answer.events }, answer.bytes)]),
    received: asText(answer.received),
    failure: answer.failure === 'generic_timeout_error' ? null : answer.failure,
  }
}

/** Without addresses: a proxy's error page likes to say whom it turns away. */
function asText(bytes: Buffer): Echo['received'] {
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
