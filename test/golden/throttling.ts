// Golden findings of throttling, in both directions: what is named, and what a slow link, a far server or a small page
// must not be named.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import { throttlingSuspected, transferControlTag } from '../../tests-spec/nettests/throttling.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'

const kilobyte = 1_000

interface Came {
  readonly kB: number
  readonly seconds: number
  readonly roundTripSeconds?: number
}

/** A page behind TLS that came like this. */
export function page(
  { kB, seconds, roundTripSeconds = 0.1 }: Came,
  tags = ['depth=0', 'classic'],
  id = 50_001,
) {
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
export const control = (came: Came) => page(came, ['depth=0', 'classic', transferControlTag], 50_099)
/** The control was asked last, so its response is the newest. */
export const with_ = (target: Observations, other: Observations): Observations => ({
  ...join(target, other),
  requests: [...other.requests, ...target.requests],
})

export function helper(kB: number, seconds: number | undefined): OutsideView {
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

export const slow = page({ kB: 64, seconds: 4 })
export const fastControl = control({ kB: 64, seconds: 0.4 })
export const both = with_(slow, fastControl)
export const outsideFast = helper(300, 0.3)
const again: Partial<Circumstances> = {
  earlier: { step: 'http_round_trip', how: throttlingSuspected, secondsAgo: 31 },
}

type Row = readonly [string, Observations, OutsideView | null, string, Partial<Circumstances>?]
export const ok = 'ok https_response'
export const undetermined = 'undetermined slower_than_control'

export const rows: readonly Row[] = [
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
