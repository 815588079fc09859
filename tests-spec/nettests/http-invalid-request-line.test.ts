// Golden verdicts of http_invalid_request_line: five lines sent, and what came back of each.

import { describe, expect, test } from 'vitest'
import { connect, good, join, link } from '../../test/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { invalidRequestLineKeys, judgeInvalidRequestLine, parseHelper } from './http-invalid-request-line.ts'
import type { Circumstances } from './verdict.ts'

const page = 'HTTP/1.1 400 Bad Request\r\n\r\n'

interface Got {
  readonly received: string | { data: string; format: 'base64' } | 'the same'
  readonly failure?: Failure | null
  readonly connect?: Failure | null
}

const same: Got = { received: 'the same' }
const silence: Got = { received: '' }
const reset: Got = { received: '', failure: 'connection_reset' }
const unreachable: Got = { received: '', failure: 'connection_refused', connect: 'connection_refused' }

function seen(...all: readonly Got[]): Observations {
  const sent = all.map((_, index) => `LINE${index} / HTTP/1.1\n\r`)
  return {
    ...join(
      ...all.map((got, index) => connect(got.connect ?? null, { tags: [], port: 80, id: 40_001 + index })),
    ),
    sent,
    received: all.map((got, index) => (got.received === 'the same' ? sent[index] : got.received)),
    failure_list: all.map((got) => got.failure ?? null),
  }
}

type Row = readonly [string, Observations, string, readonly boolean[], Partial<Circumstances>?]
const rows: readonly Row[] = [
  ['all five echoed', seen(same, same, same), 'ok echoed', [false, false, false]],
  [
    'a page in the place of one',
    seen(same, { received: page, failure: 'eof_error' }, same),
    'anomaly answer_changed',
    [false, true, false],
  ],
  [
    'a page in the place of each',
    seen({ received: page }, { received: page }),
    'anomaly answer_changed',
    [true, true],
  ],
  [
    'bytes that are no text',
    seen(same, { received: { data: '/w==', format: 'base64' } }),
    'anomaly answer_changed',
    [false, true],
  ],
  [
    'the line, and something behind it',
    seen(same, { received: `LINE1 / HTTP/1.1\n\r${page}` }),
    'anomaly answer_changed',
    [false, true],
  ],
  ['one reset, the others echoed', seen(same, reset, same), 'anomaly some_reset', [false, true, false]],
  ['all reset: the helper may do that', seen(reset, reset), 'undetermined helper_unreachable', [true, true]],
  [
    "one silent, which is OONI's tampering and may be loss",
    seen(same, silence),
    'undetermined incomplete',
    [false, true],
  ],
  ['the beginning of one', seen(same, { received: 'LINE1' }), 'undetermined incomplete', [false, true]],
  ['all silent', seen(silence, silence), 'undetermined helper_unreachable', [true, true]],
  ['nobody to connect to', seen(unreachable, unreachable), 'undetermined helper_unreachable', [false, false]],
  ['no helper', seen(), 'undetermined no_helper', []],
  [
    'pages over a link behind a portal',
    seen({ received: page }, { received: page }),
    'link_down link_down',
    [true, true],
    { link: link('captive_portal') },
  ],
  ['silence over a dead link', seen(silence), 'link_down link_down', [true], { link: link('down') }],
  [
    'a page over a degraded link',
    seen(same, { received: page }),
    'undetermined link_degraded',
    [false, true],
    { link: link('degraded', 2) },
  ],
  [
    'an agent that was stopped',
    seen(same, { received: '', failure: 'interrupted' }),
    'undetermined interrupted',
    [false, true],
  ],
]

describe("judgeInvalidRequestLine(), and OONI's tampering beside it", () => {
  for (const [name, observations, expected, tampering, circumstances] of rows) {
    test(name, () => {
      const verdict = judgeInvalidRequestLine(observations, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(
        expected.replace(' ', ' http_invalid_request_line/').concat('@1'),
      )
      expect(invalidRequestLineKeys(observations)).toEqual({
        tampering_list: tampering,
        tampering: tampering.includes(true),
      })
    })
  }
})

describe('parseHelper()', () => {
  test.each([
    ['192.0.2.1:80', { ip: '192.0.2.1', port: 80 }],
    ['[2001:db8::1]:8080', { ip: '2001:db8::1', port: 8080 }],
  ])('reads %s', (text, helper) => {
    expect(parseHelper(text)).toEqual(helper)
  })

  test.each([
    'helper.example:80',
    '192.0.2.1',
    '192.0.2.999:80',
    '192.0.2.1:0',
    '2001:db8::1:80',
    '[::g]:80',
    '',
  ])('refuses "%s"', (text) => {
    expect(parseHelper(text)).toBeNull()
  })
})
