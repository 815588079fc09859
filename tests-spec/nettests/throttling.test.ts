// Golden findings of throttling, in both directions: what is named, and what a slow link, a far server or a small page
// must not be named.

import { safeParse } from 'valibot'
import { describe, expect, test } from 'vitest'
import { connect, good, handshake, join, link, query, response } from '../../test/observations.ts'
import type { Observations } from '../data-formats/observation.ts'
import { throttlingSuspected, transferControlTag, webConnectivityOptions } from './throttling.ts'
import type { Circumstances } from './verdict.ts'
import { judgeWebConnectivity, webConnectivityKeys } from './web-connectivity.ts'
import type { Control } from './web-control.ts'

const kilobyte = 1_000

interface Came {
  readonly kB: number
  readonly seconds: number
  readonly roundTripSeconds?: number
}

/** A page behind TLS that came like this. */
function page({ kB, seconds, roundTripSeconds = 0.1 }: Came, tags = ['depth=0', 'classic'], id = 50_001) {
  const seen = join(
    query(['21.0.0.10'], { tags }),
    connect(null, { tags, id }),
    handshake(null, { tags, id }),
    response(200, { tags, id }),
  )
  return {
    ...seen,
    tcp_connect: seen.tcp_connect.map((each) => ({ ...each, t: each.t0 + roundTripSeconds })),
    requests: seen.requests.map((each) => ({
      ...each,
      response: { ...each.response, x_sonde_body_length: kB * kilobyte, x_sonde_body_seconds: seconds },
    })),
  }
}
const control = (came: Came) => page(came, ['depth=0', 'classic', transferControlTag], 50_099)
/** The control was asked last, so its response is the newest. */
const with_ = (target: Observations, other: Observations): Observations => ({
  ...join(target, other),
  requests: [...other.requests, ...target.requests],
})

function helper(kB: number, seconds: number | undefined): Control {
  return {
    tcp_connect: {},
    http_request: {
      body_length: kB * kilobyte,
      discovered_h3_endpoint: '',
      failure: null,
      title: '',
      headers: {},
      status_code: 200,
      ...(seconds !== undefined && { x_sonde_body_seconds: seconds }),
    },
    dns: { failure: null, addrs: ['21.0.0.10'] },
  }
}

const slow = page({ kB: 64, seconds: 4 })
const fastControl = control({ kB: 64, seconds: 0.4 })
const both = with_(slow, fastControl)
const outsideFast = helper(300, 0.3)
const again: Partial<Circumstances> = {
  earlier: { step: 'http_round_trip', how: throttlingSuspected, secondsAgo: 31 },
}

type Row = readonly [string, Observations, Control | null, string, Partial<Circumstances>?]
const ok = 'ok https_response'
const undetermined = 'undetermined slower_than_control'

const rows: readonly Row[] = [
  [
    'slow here twice, the control fast, fast outside',
    both,
    outsideFast,
    'anomaly throttling_suspected',
    again,
  ],
  ['slow here once', both, outsideFast, undetermined],
  [
    'slow again, but seconds later',
    both,
    outsideFast,
    undetermined,
    { earlier: { step: 'http_round_trip', how: throttlingSuspected, secondsAgo: 5 } },
  ],
  [
    'slow now, and earlier it failed otherwise',
    both,
    outsideFast,
    undetermined,
    { earlier: { step: 'http_round_trip', how: 'connection_reset', secondsAgo: 31 } },
  ],
  ['slow twice, and nobody outside asked: a slow server', both, null, undetermined, again],
  ['slow twice, slow outside too: a slow server', both, helper(64, 3), undetermined, again],
  ['slow twice, a helper that takes no times', both, helper(300, undefined), undetermined, again],
  ['slow twice, too little of it outside', both, helper(5, 0.01), undetermined, again],
  ['slow, and no control: it may be the link', slow, outsideFast, ok, again],
  [
    'slow, and the control slow too: the link',
    with_(slow, control({ kB: 64, seconds: 3 })),
    outsideFast,
    ok,
    again,
  ],
  [
    'slow, the control three times as fast',
    with_(slow, control({ kB: 64, seconds: 1.4 })),
    outsideFast,
    ok,
    again,
  ],
  [
    'slow, the control too small to tell',
    with_(slow, control({ kB: 8, seconds: 0.01 })),
    outsideFast,
    ok,
    again,
  ],
  ['slow with one link control lost', both, outsideFast, ok, { ...again, link: link('up', 3) }],
  ['slow over a degraded link', both, outsideFast, ok, { ...again, link: link('degraded', 2) }],
  ['slow with no link control asked', both, outsideFast, ok, { ...again, link: link('unknown') }],
  ['not slow', with_(page({ kB: 64, seconds: 1.9 }), fastControl), outsideFast, ok, again],
  ['a small page', with_(page({ kB: 20, seconds: 9 }), fastControl), outsideFast, ok, again],
  [
    'far away by satellite: round trips, not a bucket',
    with_(page({ kB: 64, seconds: 4, roundTripSeconds: 0.8 }), fastControl),
    outsideFast,
    ok,
    again,
  ],
]

describe('judgeWebConnectivity() of a slow page', () => {
  for (const [name, seen, outside, expected, circumstances] of rows) {
    test(name, () => {
      const verdict = judgeWebConnectivity(seen, outside, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule.replace(/^web_connectivity\/(.*)@1$/, '$1')}`).toBe(expected)
      if (expected === ok) return
      expect(verdict).toMatchObject({ step: 'http_round_trip', how: 'throttling_suspected' })
      expect(verdict.because).toEqual([50_001, 50_099])
    })
  }

  test('a control that was never fetched or failed changes no other verdict', () => {
    const tags = ['depth=0', 'classic', transferControlTag]
    const failed = join(
      query(['21.0.0.11'], { tags }),
      connect('generic_timeout_error', { tags, id: 50_099 }),
    )
    expect(judgeWebConnectivity(with_(slow, failed), null, good)).toMatchObject({ verdict: 'ok' })
    const followUp = (tag: string, failure: 'connection_reset' | 'ssl_invalid_hostname') =>
      handshake(failure, { tags: ['depth=0', 'classic', `followup=${tag}`], id: 50_010 })
    const reset = join(
      query(['21.0.0.10']),
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', 'connection_reset'),
    )
    expect(judgeWebConnectivity(with_(reset, fastControl), null, good)).toMatchObject({
      verdict: 'anomaly',
      rule: 'web_connectivity/tls_handshake_interfered@2',
    })
  })
})

describe('webConnectivityKeys() of a slow page', () => {
  test('say what was compared, and nothing more of the control', () => {
    expect(webConnectivityKeys(both, outsideFast, false)).toMatchObject({
      x_sonde_throttling: {
        bytes: 64_000,
        seconds: 4,
        control: { bytes: 64_000, seconds: 0.4, faster: true },
        outside: { bytes: 300_000, seconds: 0.3, faster: true },
      },
      http_experiment_failure: null,
      accessible: true,
    })
  })
  test('have no such key where nothing was slow', () => {
    expect(webConnectivityKeys(page({ kB: 64, seconds: 1 }), outsideFast, false)).not.toHaveProperty(
      'x_sonde_throttling',
    )
  })
  test('are null where nothing was compared', () => {
    expect(webConnectivityKeys(slow, 'unknown_failure: no available helpers', false)).toMatchObject({
      x_sonde_throttling: { control: null, outside: null },
    })
  })
})

test.each([
  [{ body_bytes: 1_000 }],
  [{ body_bytes: 2_000_000 }],
  [{ body_bytes: 40_000.5 }],
  [{ bytes: 40_000 }],
])('webConnectivityOptions refuses %j', (options) => {
  expect(safeParse(webConnectivityOptions, options).success).toBe(false)
})
