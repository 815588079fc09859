// Golden verdicts of http_header_field_manipulation, and what is kept of the helper's answer.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import {
  compareWithReply,
  type HelperReply,
  keptReply,
  type SeenByHelper,
} from '../../tests-spec/nettests/http-header-field-manipulation.ts'
import { connect, join, link, response } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

export const sent = { hOsT: 'abcdefghijklmno.com', aCCept: '*/*', 'uSer-AGent': 'Test/1' }
export const asSent = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, [value]]))
const unchanged: HelperReply = { request_line: 'GeT / HTTP/1.1', headers_dict: asSent }
export const from = (parts: Partial<HelperReply>) => compareWithReply(sent, { ...unchanged, ...parts })

interface Came {
  readonly connect?: Failure | null
  readonly answer?: Failure | number
  readonly reply?: SeenByHelper | null
}

export function seen({ connect: failure = null, answer = 200, reply = null }: Came): Observations {
  const options = { tags: [], id: 40_001 }
  const parts = failure === null ? [response(answer, { ...options, url: 'http://192.0.2.1/' })] : []
  const made = join(connect(failure, options), ...parts)
  return {
    ...made,
    requests: made.requests.map((each) => ({
      ...each,
      request: { ...each.request, headers: sent, headers_list: Object.entries(sent) },
      response: { ...each.response, body: reply === null ? '' : keptReply(sent, reply) },
    })),
    x_sonde_seen_by_helper: reply,
    x_sonde_sent_headers: Object.keys(sent),
  }
}

export const none: Observations = { ...join(), x_sonde_seen_by_helper: null, x_sonde_sent_headers: null }

const flags = (...set: readonly string[]) => ({
  total: set.includes('total'),
  request_line_capitalization: set.includes('line'),
  header_field_number: set.includes('number'),
  header_name_capitalization: set.includes('names'),
  header_field_value: set.includes('value'),
  header_field_name: false,
})

const withVia = from({ headers_dict: { ...asSent, Via: ['1.1 proxy'] } })
export const lowerCased = from({
  headers_dict: { host: [sent.hOsT], accept: [sent.aCCept], 'user-agent': [sent['uSer-AGent']] },
})

interface Row extends GoldenRow {
  /** OONI's flags. */
  readonly tampering: object
}
export const rows: readonly Row[] = [
  {
    name: 'everything arrived as it was sent',
    seen: seen({ reply: from({}) }),
    verdict: 'ok arrived_unchanged',
    tampering: flags(),
  },
  {
    name: 'a header more',
    seen: seen({ reply: withVia }),
    verdict: 'anomaly request_changed',
    tampering: flags('number', 'names'),
  },
  {
    name: 'a header less',
    seen: seen({ reply: from({ headers_dict: { hOsT: [sent.hOsT], aCCept: [sent.aCCept] } }) }),
    verdict: 'anomaly request_changed',
    tampering: flags('number', 'names'),
  },
  {
    name: 'names put right',
    seen: seen({ reply: lowerCased }),
    verdict: 'anomaly request_changed',
    tampering: flags('names'),
  },
  {
    name: 'the method put right',
    seen: seen({ reply: from({ request_line: 'GET / HTTP/1.1' }) }),
    verdict: 'anomaly request_changed',
    tampering: flags('line'),
  },
  {
    name: 'another value',
    seen: seen({ reply: from({ headers_dict: { ...asSent, aCCept: ['text/html'] } }) }),
    verdict: 'anomaly request_changed',
    tampering: flags('value'),
  },
  {
    name: 'a page of somebody else',
    seen: seen({ reply: null }),
    verdict: 'undetermined not_the_helper',
    tampering: flags('total'),
  },
  {
    name: 'the odd method turned away, by whomever',
    seen: seen({ answer: 501 }),
    verdict: 'undetermined not_the_helper',
    tampering: flags('total'),
  },
  {
    name: 'reset behind the request',
    seen: seen({ answer: 'connection_reset' }),
    verdict: 'undetermined failed_once',
    tampering: flags('total'),
  },
  {
    name: 'reset behind the request, again',
    seen: seen({ answer: 'connection_reset' }),
    verdict: 'anomaly http_round_trip_interfered',
    tampering: flags('total'),
    circumstances: { earlier: { step: 'http_round_trip', how: 'connection_reset', secondsAgo: 31 } },
  },
  {
    name: 'no HTTP in answer',
    seen: seen({ answer: 'http_invalid_response' }),
    verdict: 'undetermined failed_once',
    tampering: flags('total'),
  },
  {
    name: 'no HTTP in answer, again',
    seen: seen({ answer: 'http_invalid_response' }),
    verdict: 'anomaly http_round_trip_interfered',
    tampering: flags('total'),
    circumstances: { earlier: { step: 'http_round_trip', how: 'http_invalid_response', secondsAgo: 31 } },
  },
  {
    name: 'silence',
    seen: seen({ answer: 'generic_timeout_error' }),
    verdict: 'undetermined no_outside_view',
    tampering: flags('total'),
  },
  {
    name: 'nobody to connect to',
    seen: seen({ connect: 'connection_refused' }),
    verdict: 'undetermined no_outside_view',
    tampering: flags('total'),
  },
  { name: 'no helper', seen: none, verdict: 'undetermined no_helper', tampering: flags() },
  {
    name: 'a changed request behind a portal',
    seen: seen({ reply: withVia }),
    verdict: 'link_down link_down',
    tampering: flags('number', 'names'),
    circumstances: { link: link('captive_portal') },
  },
  {
    name: 'a changed request over a degraded link',
    seen: seen({ reply: withVia }),
    verdict: 'undetermined link_degraded',
    tampering: flags('number', 'names'),
    circumstances: { link: link('degraded', 2) },
  },
  {
    name: 'a changed request, and no control was asked',
    seen: seen({ reply: withVia }),
    verdict: 'undetermined link_unknown',
    tampering: flags('number', 'names'),
    circumstances: { link: link('unknown') },
  },
  {
    name: 'an agent that was stopped',
    seen: seen({ answer: 'interrupted' }),
    verdict: 'undetermined interrupted',
    tampering: flags('total'),
  },
]

export const golden: Golden = {
  asked: { input: null },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
}
