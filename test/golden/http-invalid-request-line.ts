// Golden verdicts of http_invalid_request_line: five lines sent, and what came back of each.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { connect, join, link } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

const page = 'HTTP/1.1 400 Bad Request\r\n\r\n'

const secondLine = 'QWERT YUIOP ASDFG HJKLZ\r\n'
/** OONI's, in their order, by the shape of which its pipeline tells them apart. */
const lines = [
  'QWER / HTTP/1.1\n\r',
  secondLine,
  `${'Q'.repeat(1024)} / HTTP/1.1\r\n`,
  'GET / HTTP/QWE\r\n',
  'GET cache_object://localhost/ HTTP/1.0\n\r',
]

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
  const sent = lines.slice(0, all.length)
  return {
    ...join(
      ...all.map((got, index) => connect(got.connect ?? null, { tags: [], port: 80, id: 40_001 + index })),
    ),
    sent,
    received: all.map((got, index) => (got.received === 'the same' ? sent[index] : got.received)),
    failure_list: all.map((got) => got.failure ?? null),
  }
}

interface Row extends GoldenRow {
  /** One for each line sent. */
  readonly tampering: readonly boolean[]
}
export const rows: readonly Row[] = [
  {
    name: 'all five echoed',
    seen: seen(same, same, same),
    verdict: 'ok echoed',
    tampering: [false, false, false],
  },
  {
    name: 'a page in the place of one',
    seen: seen(same, { received: page, failure: 'eof_error' }, same),
    verdict: 'anomaly answer_changed',
    tampering: [false, true, false],
  },
  {
    name: 'a page in the place of each',
    seen: seen({ received: page }, { received: page }),
    verdict: 'anomaly answer_changed',
    tampering: [true, true],
  },
  {
    name: 'bytes that are no text',
    seen: seen(same, { received: { data: '/w==', format: 'base64' } }),
    verdict: 'anomaly answer_changed',
    tampering: [false, true],
  },
  {
    name: 'the line, and something behind it',
    seen: seen(same, { received: `${secondLine}${page}` }),
    verdict: 'anomaly answer_changed',
    tampering: [false, true],
  },
  {
    name: 'one reset, the others echoed',
    seen: seen(same, reset, same),
    verdict: 'anomaly some_reset',
    tampering: [false, true, false],
  },
  {
    name: 'one silent of three',
    seen: seen(same, silence, same),
    verdict: 'undetermined incomplete',
    tampering: [false, true, false],
  },
  {
    name: 'all reset: the helper may do that',
    seen: seen(reset, reset),
    verdict: 'undetermined helper_unreachable',
    tampering: [true, true],
  },
  {
    name: "one silent, which is OONI's tampering and may be loss",
    seen: seen(same, silence),
    verdict: 'undetermined incomplete',
    tampering: [false, true],
  },
  {
    name: 'the beginning of one',
    seen: seen(same, { received: 'QWERT' }),
    verdict: 'undetermined incomplete',
    tampering: [false, true],
  },
  {
    name: 'all silent',
    seen: seen(silence, silence),
    verdict: 'undetermined helper_unreachable',
    tampering: [true, true],
  },
  {
    name: 'nobody to connect to',
    seen: seen(unreachable, unreachable),
    verdict: 'undetermined helper_unreachable',
    tampering: [false, false],
  },
  { name: 'no helper', seen: seen(), verdict: 'undetermined no_helper', tampering: [] },
  {
    name: 'pages over a link behind a portal',
    seen: seen({ received: page }, { received: page }),
    verdict: 'link_down link_down',
    tampering: [true, true],
    circumstances: { link: link('captive_portal') },
  },
  {
    name: 'silence over a dead link',
    seen: seen(silence),
    verdict: 'link_down link_down',
    tampering: [true],
    circumstances: { link: link('down') },
  },
  {
    name: 'a page over a degraded link',
    seen: seen(same, { received: page }),
    verdict: 'undetermined link_degraded',
    tampering: [false, true],
    circumstances: { link: link('degraded', 2) },
  },
  {
    name: 'an agent that was stopped',
    seen: seen(same, { received: '', failure: 'interrupted' }),
    verdict: 'undetermined interrupted',
    tampering: [false, true],
  },
]

export const golden: Golden = {
  asked: { input: null },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
}
