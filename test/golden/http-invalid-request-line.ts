// Golden verdicts of http_invalid_request_line: five lines sent, and what came back of each.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, join, link } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

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

export function seen(...all: readonly Got[]): Observations {
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
export const rows: readonly Row[] = [
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
  ['one silent of three', seen(same, silence, same), 'undetermined incomplete', [false, true, false]],
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

export const golden: Golden = {
  asked: { input: null },
  samples: rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
}
