// Golden verdicts of http_header_field_manipulation, and what is kept of the helper's answer.

import { describe, expect, test } from 'vitest'
import { connect, good, join, link, response } from '../../test/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import {
  compareWithReply,
  type HelperReply,
  headerFieldKeys,
  judgeHeaderField,
  parseHelperUrl,
  type SeenByHelper,
} from './http-header-field-manipulation.ts'
import type { Circumstances } from './verdict.ts'

const sent = { hOsT: 'abcdefghijklmno.com', aCCept: '*/*', 'uSer-AGent': 'Test/1' }
const asSent = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, [value]]))
const unchanged: HelperReply = { request_line: 'GeT / HTTP/1.1', headers_dict: asSent }
const from = (parts: Partial<HelperReply>) => compareWithReply(sent, { ...unchanged, ...parts })

interface Came {
  readonly connect?: Failure | null
  readonly answer?: Failure | number
  readonly reply?: SeenByHelper | null
}

function seen({ connect: failure = null, answer = 200, reply = null }: Came): Observations {
  const options = { tags: [], id: 40_001 }
  const parts = failure === null ? [response(answer, { ...options, url: 'http://192.0.2.1/' })] : []
  return {
    ...join(connect(failure, options), ...parts),
    x_sonde_seen_by_helper: reply,
    x_sonde_sent_headers: Object.keys(sent),
  }
}

const none: Observations = { ...join(), x_sonde_seen_by_helper: null, x_sonde_sent_headers: null }

const flags = (...set: readonly string[]) => ({
  total: set.includes('total'),
  request_line_capitalization: set.includes('line'),
  header_field_number: set.includes('number'),
  header_name_capitalization: set.includes('names'),
  header_field_value: set.includes('value'),
  header_field_name: false,
})

const withVia = from({ headers_dict: { ...asSent, Via: ['1.1 proxy'] } })
const lowerCased = from({
  headers_dict: { host: [sent.hOsT], accept: [sent.aCCept], 'user-agent': [sent['uSer-AGent']] },
})

type Row = readonly [string, Observations, string, object, Partial<Circumstances>?]
const rows: readonly Row[] = [
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
  ['an agent that was stopped', seen({ answer: 'interrupted' }), 'undetermined interrupted', flags('total')],
]

describe("judgeHeaderField(), and OONI's tampering beside it", () => {
  for (const [name, observations, expected, tampering, circumstances] of rows) {
    test(name, () => {
      const verdict = judgeHeaderField(observations, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(
        expected.replace(' ', ' http_header_field_manipulation/').concat('@1'),
      )
      expect(headerFieldKeys(observations).tampering).toMatchObject(tampering)
    })
  }
})

describe('headerFieldKeys()', () => {
  test('lists the names that only one side has, ours first', () => {
    const { tampering } = headerFieldKeys(
      seen({ reply: from({ headers_dict: { ...asSent, Via: [], aCCept: [] } }) }),
    )
    expect(tampering.header_name_diff).toEqual(['Via'])
    expect(headerFieldKeys(seen({ reply: lowerCased })).tampering.header_name_diff).toEqual([
      'hOsT',
      'aCCept',
      'uSer-AGent',
      'host',
      'accept',
      'user-agent',
    ])
  })

  test.each([
    ['an answer', seen({ reply: from({}) }), null],
    ['another status', seen({ answer: 403 }), 'http_request_failed'],
    ['another form', seen({ reply: null }), 'json_parse_error'],
    ['a reset', seen({ answer: 'connection_reset' }), 'connection_reset'],
    ['a refused connection', seen({ connect: 'connection_refused' }), 'connection_refused'],
    ['no helper', none, null],
  ])('has the failure of %s', (_name, observations, failure) => {
    expect(headerFieldKeys(observations)).toMatchObject({ agent: 'agent', failure, socksproxy: null })
  })
})

describe('compareWithReply()', () => {
  test('keeps no value, and no name in which something could hide', () => {
    const reply = from({
      headers_dict: {
        ...asSent,
        'X-MSISDN': ['22370000000'],
        'X-Forwarded-For': ['203.0.113.7'],
        'x-203.0.113.7': ['1'],
        'x-22370000000': ['1'],
      },
    })
    expect(JSON.stringify(reply)).not.toMatch(/2237|203\.0/)
    expect(reply.headers).toContainEqual({ name: 'X-MSISDN', value_matches: null })
    expect(reply.headers.filter(({ name }) => name === '(not a plain name)')).toHaveLength(2)
  })

  test.each([
    ['GeT / HTTP/1.1', 'GeT / HTTP/1.1'],
    ['GET / HTTP/1.1', 'GET (something else) HTTP/1.1'],
    ['GeT http://203.0.113.7/ HTTP/1.0', 'GeT (something else) HTTP/1.0'],
    [`GeT /${'9'.repeat(200)} HTTP/1.1`, '(no request line)'],
    ['203.0.113.7', '(no request line)'],
    ['', '(no request line)'],
  ])('keeps of the line "%s" only its shape', (line, kept) => {
    expect(from({ request_line: line }).request_line).toBe(kept)
  })

  test('does not take a value that came twice for the one we sent', () => {
    const reply = from({ headers_dict: { ...asSent, aCCept: ['*/*', '*/*'] } })
    expect(reply.headers).toContainEqual({ name: 'aCCept', value_matches: false })
  })
})

describe('parseHelperUrl()', () => {
  test.each([
    ['http://192.0.2.1/', { ip: '192.0.2.1', port: 80 }],
    ['http://[2001:db8::1]:8080/', { ip: '2001:db8::1', port: 8080 }],
  ])('reads %s', (text, helper) => {
    expect(parseHelperUrl(text)).toEqual(helper)
  })

  test.each([
    'https://192.0.2.1/',
    'http://helper.example/',
    'http://192.0.2.1',
    'http://192.0.2.1/path',
    'http://1.2.3/',
    '',
  ])('refuses "%s"', (text) => {
    expect(parseHelperUrl(text)).toBeNull()
  })
})
