// Attempts at a URL that came to no request: for OONI's readers each is an entry of `requests` with its failure, whichever
// step it failed at. plain-form.md §4 is the page. Pure.

import type { HttpRequest } from '../data-formats/observation.ts'
import { failedStepOf } from '../nettests/failed-step.ts'
import { groupTag, hostTag } from '../nettests/group-outcome.ts'
import { locationOf, redirectTarget } from '../nettests/redirect.ts'
import { hostOf, type Service } from '../nettests/service.ts'
import { depthTag } from '../nettests/web-connectivity.ts'
import { writeEndpoint } from '../protocol/test-helper.ts'
import { type Lists, listsWhere } from './lists.ts'

/** The nettest's own limit of hops, and one more that is never found. */
const maxDepth = 7

/** @returns The attempts at `url` and where it redirects to that left no request, oldest first. */
export function attemptsAt(url: string, method: string, lists: Lists): HttpRequest[] {
  let here: URL | null = URL.canParse(url) ? new URL(url) : null
  for (let depth = 0; here !== null && depth < maxDepth; depth++) {
    const hop = listsWhere(lists, ({ tags }) => tags.includes(depthTag(depth)))
    const answered = hop.requests.find((each) => each.failure === null)
    if (answered === undefined) return hop.requests.length > 0 ? [] : attempt(here, method, hop)
    const location = locationOf(answered.response.code, answered.response.headers_list)
    here = location === null ? null : redirectTarget(location, here)
  }
  return []
}

/** Of every URL that a service names. */
export function attemptsAtService({ groups }: Service, lists: Lists): HttpRequest[] {
  return groups.flatMap(({ name, endpoints }) =>
    endpoints.flatMap((endpoint) => {
      if (endpoint.kind !== 'url') return []
      const wanted = [groupTag(name), hostTag(hostOf(endpoint))]
      const ofEndpoint = listsWhere(lists, ({ tags }) => wanted.every((tag) => tags.includes(tag)))
      return attemptsAt(endpoint.url, endpoint.method, ofEndpoint)
    }),
  )
}

/** @returns None when the hop was not tried at all. */
function attempt(url: URL, method: string, hop: Lists): HttpRequest[] {
  const failed = failedStepOf(hop, true)
  const last = lastStep(hop)
  if (failed === null || last === null) return []
  return [
    {
      ...last,
      network: 'tcp',
      alpn: '',
      failure: failed.failure,
      request: {
        method,
        url: url.href,
        headers: { Host: url.host },
        headers_list: [['Host', url.host]],
        body: '',
        body_is_truncated: false,
        x_transport: 'tcp',
      },
      response: { code: 0, headers: {}, headers_list: [], body: '', body_is_truncated: false },
      x_sonde_not_sent: true,
    },
  ]
}

type LastStep = Pick<HttpRequest, 'address' | 't0' | 't' | 'transaction_id' | 'tags'>

/** The last operation that was tried. `address` is empty when it was a lookup. */
function lastStep({ queries, tcp_connect, tls_handshakes }: Lists): LastStep | null {
  const handshake = tls_handshakes.at(-1)
  const connect = tcp_connect.at(-1)
  const query = queries.at(-1)
  const last = handshake ?? connect ?? query
  if (last === undefined) return null
  const address = handshake?.address ?? (connect === undefined ? '' : writeEndpoint(connect))
  const { t0, t, transaction_id, tags } = last
  return { address, t0, t, transaction_id, tags: [...tags] }
}
