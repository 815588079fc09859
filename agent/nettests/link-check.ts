// The nettest `link_check`: tests-spec/nettests/link-check.md. Asks the controls of the list, all at once; when
// they do not say that the link works, the collector and the provider's own site.

import { type Failure, isLocalFailure } from '../../tests-spec/data-formats/failure.ts'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { scrubText } from '../../tests-spec/data-formats/scrub-text.ts'
import type { ControlEntry } from '../../tests-spec/lists/test-list.ts'
import { classicTag } from '../../tests-spec/nettests/failed-step.ts'
import {
  type ControlResult,
  type ControlRole,
  ipv6Works,
  isOfSite,
  judgeControls,
  judgeLink,
  linkCheck,
} from '../../tests-spec/nettests/link-check.ts'
import type { LinkState, Verdict } from '../../tests-spec/nettests/verdict.ts'
import { isSourceGone } from '../operations/wire.ts'
import type { NettestContext } from './nettest.ts'
import { joinSeen, type Seen } from './seen.ts'
import { followUrl } from './url-flow.ts'

/** What is asked, and which answer is the right one. */
export interface LinkControl {
  readonly url: string
  readonly role: ControlRole
  /** null for the provider's site: any page of its own will do. */
  readonly expect: ControlEntry['expect'] | null
}

export interface LinkCheck extends Seen {
  readonly name: string
  readonly version: string
  readonly controls: readonly ControlResult[]
  readonly link: LinkState
  readonly verdict: Verdict
}

/**
 * @param previous - The state before, for `since`.
 * @param at - ISO 8601 time of this check.
 */
export async function checkLink(
  context: NettestContext,
  controls: readonly LinkControl[],
  previous: LinkState,
  at: string,
): Promise<LinkCheck> {
  const ask = async (some: readonly LinkControl[], from: number) =>
    Promise.all(some.map(async (control, index) => askControl(context, control, from + index)))
  const neutral = controls.filter(({ role }) => role === 'neutral')
  const first = await ask(neutral, 0)
  // A collector that is out of reach would hold up every check for the length of a deadline.
  const enough = isWell(judgeLink(resultsOf(first), previous, at))
  const own = enough ? [] : controls.filter(({ role }) => role !== 'neutral')
  const each = [...first, ...(await ask(own, neutral.length))]
  const seen = joinSeen(each.map((one) => one.seen))
  const results = resultsOf(each)
  const link = judgeLink(results, previous, at, ipv6Works(seen.observations))
  const { name, version } = linkCheck
  return { ...seen, name, version, controls: results, link, verdict: judgeControls(results) }
}

const isWell = ({ state }: LinkState) => state === 'up' || state === 'degraded'

const resultsOf = (each: readonly { readonly result: ControlResult }[]) => each.map(({ result }) => result)

async function askControl(
  context: NettestContext,
  { url, role, expect }: LinkControl,
  index: number,
): Promise<{ seen: Seen; result: ControlResult }> {
  const seen = await followUrl(context, url, [`control=${index}`])
  const { requests, tcp_connect } = seen.observations
  const ledTo = whereItLed(requests)
  // Its first word: what a redirect leads to is somebody else's.
  const first = requests.at(-1)
  const answer = first?.failure === null ? first : undefined
  const asExpected =
    answer !== undefined &&
    (expect === null
      ? ledTo !== null && isOfSite(ledTo, new URL(url).hostname)
      : fits(answer.response, expect))
  const kind = !asExpected ? 'other_answer' : answer.tags.includes(classicTag) ? 'ok' : 'other_resolver_only'
  return {
    seen,
    result: {
      url,
      role,
      result: answer === undefined ? whyNoAnswer(context, seen.observations) : kind,
      led_to: ledTo === null ? null : scrubText(ledTo),
      transaction_id: answer?.transaction_id ?? tcp_connect[0]?.transaction_id ?? 0,
    },
  }
}

/** An interface that is down is a link that is down. */
const isOwn = ({ failure, overIpv6 }: { readonly failure: Failure; readonly overIpv6: boolean }) =>
  failure !== 'network_down' && isLocalFailure(failure, overIpv6)

/**
 * A machine that cannot ask says nothing of its link, and one without the address that it is to send from can ask nobody,
 * whatever became of the lookup, which goes another way. Where its resolver library may not send, that says no more than that no
 * resolver answered.
 */
function whyNoAnswer(
  { trace: { sources } }: NettestContext,
  observations: Observations,
): 'failed' | 'local_failure' {
  if (sources !== null && isSourceGone(sources)) return 'local_failure'
  const { queries, tcp_connect, tls_handshakes, requests } = observations
  const failures = [
    ...tcp_connect.map(({ ip, status }) => ({ failure: status.failure, overIpv6: ip.includes(':') })),
    ...[...queries, ...tls_handshakes, ...requests].map(({ failure }) => ({ failure, overIpv6: false })),
  ].flatMap(({ failure, overIpv6 }) => (failure === null ? [] : [{ failure, overIpv6 }]))
  const isLocal = failures.every((each) => isOwn(each) || each.failure === 'dns_server_misbehaving')
  return isLocal && failures.some(isOwn) ? 'local_failure' : 'failed'
}

function fits({ code, body }: HttpRequest['response'], expect: ControlEntry['expect']): boolean {
  if (code !== expect.status) return false
  return expect.body === undefined || (typeof body === 'string' && body.includes(expect.body))
}

/** @param requests - Newest first. @returns The host of the last answer or of where it sends; null without an answer. */
function whereItLed(requests: readonly HttpRequest[]): string | null {
  const last = requests.find((request) => request.failure === null)
  if (last === undefined) return null
  const { Location: location = '' } = last.response.headers
  const moved = last.response.code >= 300 && last.response.code < 400
  const url = moved && URL.canParse(location, last.request.url) ? new URL(location, last.request.url) : null
  return (url ?? new URL(last.request.url)).hostname
}
