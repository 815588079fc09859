// What a step or a whole nettest saw, and what it cost. Values that are joined, never altered.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type {
  DnsQuery,
  HttpRequest,
  NetworkEvent,
  Observations,
  TcpConnect,
  TlsHandshake,
} from '../../tests-spec/data-formats/observation.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import type { ControlOfHop } from '../../tests-spec/nettests/web-connectivity.ts'
import type { TestHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import type { Bytes } from '../operations/trace.ts'

export interface Seen {
  readonly observations: Observations
  readonly bytes: Bytes
  /** What a helper outside saw, or why none could be asked. Absent where the nettest asks none. */
  readonly outside?: TestHelperResponse | Failure
  /** URL of the test helper that gave the outside view. Absent where none did. */
  readonly testHelper?: string
  /** What a helper saw of the hop where a chain of redirects ended without an answer. Absent where none was asked. */
  readonly controlOfHop?: ControlOfHop
  /** Where a first hop got no answer. Absent where it did, or no helper was to be asked. */
  readonly endedAt?: { readonly url: URL; readonly addresses: readonly string[] }
  /** A question elsewhere was left out, since the cycle had asked as often as it may. */
  readonly isUnasked?: true
  /** The description that it was measured by. Absent where the nettest measures no described service. */
  readonly service?: Service
}

/** Some of the five lists; those that are left out are empty. */
export interface SeenLists {
  readonly queries?: readonly DnsQuery[]
  readonly tcp_connect?: readonly TcpConnect[]
  readonly tls_handshakes?: readonly TlsHandshake[]
  readonly requests?: readonly HttpRequest[]
  readonly network_events?: readonly NetworkEvent[]
}

export const noBytes: Bytes = { sent: 0, received: 0 }

export function seenOf(lists: SeenLists, bytes: Bytes = noBytes): Seen {
  const { queries = [], tcp_connect = [], tls_handshakes = [], requests = [], network_events = [] } = lists
  return {
    observations: {
      queries: [...queries],
      tcp_connect: [...tcp_connect],
      tls_handshakes: [...tls_handshakes],
      requests: [...requests],
      network_events: [...network_events],
    },
    bytes,
  }
}

export const nothingSeen: Seen = seenOf({})

/** Joins in time order; `requests` newest first, as OONI has it. What a nettest has beside the five lists is left out. */
export function joinSeen(all: readonly Seen[]): Seen {
  const lists = all.map((each) => each.observations)
  const asked = all.find((each) => each.outside !== undefined)
  const hop = all.find((each) => each.controlOfHop !== undefined)
  const ended = all.find((each) => each.endedAt !== undefined)
  return {
    ...(asked?.outside !== undefined && { outside: asked.outside }),
    ...(asked?.testHelper !== undefined && { testHelper: asked.testHelper }),
    ...(all.some((each) => each.isUnasked) && { isUnasked: true }),
    ...(ended?.endedAt !== undefined && { endedAt: ended.endedAt }),
    ...(hop?.controlOfHop !== undefined && { controlOfHop: hop.controlOfHop }),
    observations: {
      queries: lists.flatMap((each) => each.queries),
      tcp_connect: lists.flatMap((each) => each.tcp_connect),
      tls_handshakes: lists.flatMap((each) => each.tls_handshakes),
      requests: lists.flatMap((each) => each.requests).sort((a, b) => b.t - a.t),
      network_events: lists.flatMap((each) => each.network_events),
    },
    bytes: joinBytes(all.map((each) => each.bytes)),
  }
}

export function joinBytes(all: readonly Bytes[]): Bytes {
  return {
    sent: all.reduce((sum, each) => sum + each.sent, 0),
    received: all.reduce((sum, each) => sum + each.received, 0),
  }
}

/** @param own - What the nettest's page names beside the five lists. */
export function besides(seen: Seen, own: Readonly<Record<string, unknown>>): Seen {
  return { ...seen, observations: { ...seen.observations, ...own } }
}
