// Golden verdicts of stunreachability. Mostly what must not be called an anomaly: from one place, a server that is gone
// and one that is blocked are silent alike.

import { describe, expect, it } from 'vitest'
import { answered, failing, input, resolved, rows, seen } from '../../test/golden/stunreachability.ts'
import { judging } from '../../test/support/judge.ts'
import { query } from '../../test/support/observations.ts'
import { parseStunInput, stunReachability } from './stunreachability.ts'

const judge = judging(stunReachability, { input })

describe('stunreachability', () => {
  for (const { name, seen: observations, verdict: expected, failure: how, circumstances } of rows) {
    it(name, () => {
      const { verdict } = judge(observations, circumstances)
      expect(`${verdict.verdict} ${verdict.rule.replace(/^stunreachability\/|@\d+$/g, '')}`).toBe(expected)
      expect(verdict.how).toBe(how)
    })
  }

  it('takes loopback for a real address in a laboratory', () => {
    const loopback = query(['127.0.0.1'], { tags: ['classic'] })
    expect(judge(seen(loopback, answered), { lab: true }).verdict.verdict).toBe('ok')
  })
})

describe('the keys of stunreachability', () => {
  it.each([
    ['a mapped address', seen(resolved, answered), null],
    ['silence', seen(resolved, failing('generic_timeout_error')), 'generic_timeout_error'],
    ['an error', seen(resolved, { response: 'error', error_code: 420 }), 'unknown_failure: stun error 420'],
    [
      'a reply without an address',
      seen(resolved, { response: 'success' }),
      'unknown_failure: stun reply without a mapped address',
    ],
    ['a failed lookup', seen(query('dns_nxdomain_error', { tags: ['classic'] })), 'dns_nxdomain_error'],
  ])('%s', (_name, observations, failure) => {
    expect(judge(observations).keys).toEqual({
      endpoint: 'stun.example:3478',
      failure,
    })
  })
})

describe('parseStunInput()', () => {
  it.each([
    ['stun://stun.example:3478', { host: 'stun.example', port: 3478 }],
    ['stun://192.0.2.1:19302', { host: '192.0.2.1', port: 19302 }],
    ['stun://[2001:db8::1]:3478', { host: '2001:db8::1', port: 3478 }],
  ])('reads %s', (text, server) => {
    expect(parseStunInput(text)).toEqual(server)
  })

  it.each([
    'stun://stun.example',
    'stun://stun.example:0',
    'stun://stun.example:65536',
    'stun://STUN.example:3478',
    'stun:stun.example:3478',
    'stuns://stun.example:5349',
    'stun://stun.example:3478/',
    'stun://user@stun.example:3478',
    'stun://:3478',
    '',
  ])('refuses "%s"', (text) => {
    expect(parseStunInput(text)).toBeNull()
  })
})
