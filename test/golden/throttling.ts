// Golden findings of throttling, in both directions: what is named, and what a slow link, a far server or a small page
// must not be named.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import { throttlingSuspected, transferControlTag } from '../../tests-spec/nettests/throttling.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

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

interface Row extends GoldenRow {
  readonly outside: OutsideView | null
}
export const ok = 'ok https_response'
export const undetermined = 'undetermined slower_than_control'

export const rows: readonly Row[] = [
  {
    name: 'slow here twice, the control fast, fast outside',
    seen: both,
    outside: outsideFast,
    verdict: 'anomaly throttling_suspected',
    circumstances: again,
  },
  { name: 'slow here once', seen: both, outside: outsideFast, verdict: undetermined },
  {
    name: 'slow again, but seconds later',
    seen: both,
    outside: outsideFast,
    verdict: undetermined,
    circumstances: { earlier: { step: 'http_round_trip', how: throttlingSuspected, secondsAgo: 5 } },
  },
  {
    name: 'slow now, and earlier it failed otherwise',
    seen: both,
    outside: outsideFast,
    verdict: undetermined,
    circumstances: { earlier: { step: 'http_round_trip', how: 'connection_reset', secondsAgo: 31 } },
  },
  {
    name: 'slow twice, and nobody outside asked: a slow server',
    seen: both,
    outside: null,
    verdict: undetermined,
    circumstances: again,
  },
  {
    name: 'slow twice, slow outside too: a slow server',
    seen: both,
    outside: helper(64, 3),
    verdict: undetermined,
    circumstances: again,
  },
  {
    name: 'slow twice, a helper that takes no times',
    seen: both,
    outside: helper(300, undefined),
    verdict: undetermined,
    circumstances: again,
  },
  {
    name: 'slow twice, too little of it outside',
    seen: both,
    outside: helper(5, 0.01),
    verdict: undetermined,
    circumstances: again,
  },
  {
    name: 'slow, and no control: it may be the link',
    seen: slow,
    outside: outsideFast,
    verdict: ok,
    circumstances: again,
  },
  {
    name: 'slow, and the control slow too: the link',
    seen: with_(slow, control({ kB: 64, seconds: 3 })),
    outside: outsideFast,
    verdict: ok,
    circumstances: again,
  },
  {
    name: 'slow, the control three times as fast',
    seen: with_(slow, control({ kB: 64, seconds: 1.4 })),
    outside: outsideFast,
    verdict: ok,
    circumstances: again,
  },
  {
    name: 'slow, the control too small to tell',
    seen: with_(slow, control({ kB: 8, seconds: 0.01 })),
    outside: outsideFast,
    verdict: ok,
    circumstances: again,
  },
  {
    name: 'slow with one link control lost',
    seen: both,
    outside: outsideFast,
    verdict: ok,
    circumstances: { ...again, link: link('up', 3) },
  },
  {
    name: 'slow over a degraded link',
    seen: both,
    outside: outsideFast,
    verdict: ok,
    circumstances: { ...again, link: link('degraded', 2) },
  },
  {
    name: 'slow with no link control asked',
    seen: both,
    outside: outsideFast,
    verdict: ok,
    circumstances: { ...again, link: link('unknown') },
  },
  {
    name: 'not slow',
    seen: with_(page({ kB: 64, seconds: 1.9 }), fastControl),
    outside: outsideFast,
    verdict: ok,
    circumstances: again,
  },
  {
    name: 'a small page',
    seen: with_(page({ kB: 20, seconds: 9 }), fastControl),
    outside: outsideFast,
    verdict: ok,
    circumstances: again,
  },
  {
    name: 'far away by satellite: round trips, not a bucket',
    seen: with_(page({ kB: 64, seconds: 4, roundTripSeconds: 0.8 }), fastControl),
    outside: outsideFast,
    verdict: ok,
    circumstances: again,
  },
]
