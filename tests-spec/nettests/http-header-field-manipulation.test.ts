// Golden verdicts of http_header_field_manipulation, and what is kept of the helper's answer.

import { describe, expect, it } from 'vitest'
import {
  asSent,
  from,
  lowerCased,
  none,
  rows,
  seen,
  sent,
} from '../../test/golden/http-header-field-manipulation.ts'
import { judging } from '../../test/support/judge.ts'
import { headerFieldManipulation, keptReply, parseHelperUrl } from './http-header-field-manipulation.ts'

const judge = judging(headerFieldManipulation)

describe("http_header_field_manipulation, and OONI's tampering beside it", () => {
  for (const { name, seen: observations, verdict: expected, tampering, circumstances } of rows) {
    it(name, () => {
      const { verdict, keys } = judge(observations, circumstances)
      const rule = verdict.rule.replace(/^http_header_field_manipulation\/|@\d+$/g, '')
      expect(`${verdict.verdict} ${rule}`).toBe(expected)
      expect(keys.tampering).toMatchObject(tampering)
    })
  }
})

describe('the keys of http_header_field_manipulation', () => {
  it('lists the names that only one side has, ours first', () => {
    const { tampering } = judge(
      seen({ reply: from({ headers_dict: { ...asSent, Via: [], aCCept: [] } }) }),
    ).keys
    expect(tampering.header_name_diff).toEqual(['Via'])
    expect(judge(seen({ reply: lowerCased })).keys.tampering.header_name_diff).toEqual([
      'hOsT',
      'aCCept',
      'uSer-AGent',
      'host',
      'accept',
      'user-agent',
    ])
  })

  it.each([
    ['an answer', seen({ reply: from({}) }), null],
    ['another status', seen({ answer: 403 }), 'http_request_failed'],
    ['another form', seen({ reply: null }), 'json_parse_error'],
    ['a reset', seen({ answer: 'connection_reset' }), 'connection_reset'],
    ['a refused connection', seen({ connect: 'connection_refused' }), 'connection_refused'],
    ['no helper', none, null],
  ])('has the failure of %s', (_name, observations, failure) => {
    expect(judge(observations).keys).toMatchObject({ agent: 'agent', failure, socksproxy: null })
  })
})

describe('compareWithReply()', () => {
  it('keeps no value, and no name in which something could hide', () => {
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

  it.each([
    ['GeT / HTTP/1.1', 'GeT / HTTP/1.1'],
    ['GET / HTTP/1.1', 'GET (something else) HTTP/1.1'],
    ['GeT http://203.0.113.7/ HTTP/1.0', 'GeT (something else) HTTP/1.0'],
    [`GeT /${'9'.repeat(200)} HTTP/1.1`, '(no request line)'],
    ['203.0.113.7', '(no request line)'],
    ['', '(no request line)'],
  ])('keeps of the line "%s" only its shape', (line, kept) => {
    expect(from({ request_line: line }).request_line).toBe(kept)
  })

  it('does not take a value that came twice for the one we sent', () => {
    const reply = from({ headers_dict: { ...asSent, aCCept: ['*/*', '*/*'] } })
    expect(reply.headers).toContainEqual({ name: 'aCCept', value_matches: false })
  })
})

describe('parseHelperUrl()', () => {
  it.each([
    ['http://192.0.2.1/', { ip: '192.0.2.1', port: 80 }],
    ['http://[2001:db8::1]:8080/', { ip: '2001:db8::1', port: 8080 }],
  ])('reads %s', (text, helper) => {
    expect(parseHelperUrl(text)).toEqual(helper)
  })

  it.each([
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

describe('keptReply()', () => {
  it('is the answer itself where every header arrived as it was sent', () => {
    expect(JSON.parse(keptReply(sent, from({})))).toEqual({
      request_line: 'GeT / HTTP/1.1',
      headers_dict: asSent,
    })
  })

  it('has no value that is not ours, and none of ours that another came in place of', () => {
    const headers_dict = { ...asSent, aCCept: ['for 22370000000'], 'X-MSISDN': ['22370000000'] }
    const text = keptReply(sent, from({ headers_dict }))
    expect(text).not.toContain('2237')
    expect(JSON.parse(text)).toMatchObject({
      headers_dict: { aCCept: ['[scrubbed]'], 'X-MSISDN': ['[scrubbed]'], hOsT: asSent.hOsT },
    })
  })
})
