// The nettest `link_check`: tests-spec/nettests/link-check.md. Asks the controls of the list, all at once; when
// they do not say that the link works, the collector and the provider's own site.

import { type Failure, isLocalFailure } from '../../tests-spec/data-formats/failure.ts'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { scrubText } from '../../tests-spec/data-formats/scrub-text.ts'
import type { ControlEntry } from '../../tests-spec/lists/test-list.ts'
import { classicTag } from '../../tests-spec/nettests/failed-step.ts'
import { hostOfUrl } from '../../tests-spec/nettests/host-text.ts'
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
import { askHelpers } from './ask-helper.ts'
import { type ControlMemory, chosen, isWorthAsking, noted, remember, withMemory } from './control-memory.ts'
import type { NettestContext } from './nettest.ts'
import { joinBytes, joinSeen, type Seen } from './seen.ts'
import { followUrl, helperRequest } from './url-flow.ts'

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
  /** For the next check. */
  readonly memory: ControlMemory
}

/**
 * @param previous - The state before, for `since`.
 * @param at - ISO 8601 time of this check.
 * @param known - What the checks before have left.
 */
export async function checkLink(
  context: NettestContext,
  controls: readonly LinkControl[],
  previous: LinkState,
  at: string,
  known: ControlMemory = {},
): Promise<LinkCheck> {
  const nowMs = Date.parse(at)
  const ask = async (some: readonly LinkControl[], from: number) =>
    Promise.all(some.map(async (control, index) => askControl(context, control, from + index)))
  const neutral = chosen(
    controls.filter(({ role }) => role === 'neutral'),
    known,
    nowMs,
  )
  const first = await ask(neutral, 0)
  // A collector that is out of reach would hold up every check for the length of a deadline.
  const enough = isWell(judgeLink(resultsOf(first), previous, at))
  const own = enough ? [] : controls.filter(({ role }) => role !== 'neutral')
  const each = [...first, ...(await ask(own, neutral.length))]
  const seen = joinSeen(each.map((one) => one.seen))
  const outside = await askOutside(context, neutral, resultsOf(each), known, nowMs)
  const results = withMemory(resultsOf(each), outside.memory, nowMs)
  const link = judgeLink(results, previous, at, ipv6Works(seen.observations))
  const { name, version } = linkCheck
  const bytes = joinBytes([seen.bytes, outside.bytes])
  const memory = remember(results, outside.memory)
  return { ...seen, bytes, name, version, controls: results, link, verdict: judgeControls(results), memory }
}

/** Asks a helper about controls that keep failing while others do not: some have moved, or are gone, for everybody. */
async function askOutside(
  context: NettestContext,
  controls: readonly LinkControl[],
  results: readonly ControlResult[],
  known: ControlMemory,
  nowMs: number,
): Promise<{ readonly memory: ControlMemory; readonly bytes: Seen['bytes'] }> {
  const asked = await Promise.all(
    controls.map(async ({ url, expect }) => {
      const result = results.find((each) => each.url === url)
      if (result === undefined || !isWorthAsking(result, results, known, nowMs)) return null
      const { outside, bytes } = await askHelpers(context, helperRequest(new URL(url), []))
      return { url, expect, outside, bytes }
    }),
  )
  const answers = asked.filter((each) => each !== null)
  const memory = answers.reduce((sofar, { url, expect, outside }) => {
    if (typeof outside === 'string') return noted(sofar, url, 'no_answer', nowMs)
    const { failure, status_code, x_sonde_hosts = [] } = outside.http_request
    // A helper follows redirects, and of a control the first answer counts.
    const moved = x_sonde_hosts.some((host) => host !== hostOfUrl(new URL(url)))
    const isWell = failure === null && status_code === expect?.status && !moved
    return noted(sofar, url, isWell ? 'ok' : 'fails_too', nowMs)
  }, known)
  return { memory, bytes: joinBytes(answers.map(({ bytes }) => bytes)) }
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
