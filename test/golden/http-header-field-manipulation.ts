// Golden verdicts of http_header_field_manipulation, and what is kept of the helper's answer.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import {
  compareWithReply,
  type HelperReply,
  type SeenByHelper,
} from '../../tests-spec/nettests/http-header-field-manipulation.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, join, link, response } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

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
  return {
    ...join(connect(failure, options), ...parts),
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

type Row = readonly [string, Observations, string, object, Partial<Circumstances>?]
export const rows: readonly Row[] = [
  ['everything arrived as it was sent', seen({ reply: from({}) }), 'ok arrived_unchanged', flags()],
  ['a header more', seen({ reply: withVia }), 'anomaly request_changed', flags('number', 'names')],
  [
    'a header less',
    seen({ reply: from({ headers_dict: { hOsT: [sent.hOsT], aCCept: [sent.aCCept] } }) }),
    'anomaly request_changed',
    flags('number', 'names'),
  ],
  ['names put right', seen({ reply: lowerCased }), 'anomaly request_changed', flags('names')],
  [
    'the method put right',
    seen({ reply: from({ request_line: 'GET / HTTP/1.1' }) }),
    'anomaly request_changed',
    flags('line'),
  ],
  [
    'another value',
    seen({ reply: from({ headers_dict: { ...asSent, aCCept: ['text/html'] } }) }),
    'anomaly request_changed',
    flags('value'),
  ],
  ['a page of somebody else', seen({ reply: null }), 'undetermined not_the_helper', flags('total')],
  [
    'the odd method turned away, by whomever',
    seen({ answer: 501 }),
    'undetermined not_the_helper',
    flags('total'),
  ],
  [
    'reset behind the request',
    seen({ answer: 'connection_reset' }),
    'anomaly http_round_trip_interfered',
    flags('total'),
  ],
  [
    'no HTTP in answer',
    seen({ answer: 'http_invalid_response' }),
    'anomaly http_round_trip_interfered',
    flags('total'),
  ],
  ['silence', seen({ answer: 'generic_timeout_error' }), 'undetermined no_outside_view', flags('total')],
  [
    'nobody to connect to',
    seen({ connect: 'connection_refused' }),
    'undetermined no_outside_view',
    flags('total'),
  ],
  ['no helper', none, 'undetermined no_helper', flags()],
  [
    'a changed request behind a portal',
    seen({ reply: withVia }),
    'link_down link_down',
    flags('number', 'names'),
    { link: link('captive_portal') },
  ],
  [
    'a changed request over a degraded link',
    seen({ reply: withVia }),
    'undetermined link_degraded',
    flags('number', 'names'),
    { link: link('degraded', 2) },
  ],
  [
    'a changed request, and no control was asked',
    seen({ reply: withVia }),
    'undetermined link_unknown',
    flags('number', 'names'),
    { link: link('unknown') },
  ],
  ['an agent that was stopped', seen({ answer: 'interrupted' }), 'undetermined interrupted', flags('total')],
]

export const golden: Golden = {
  asked: { input: null },
  samples: rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
}
