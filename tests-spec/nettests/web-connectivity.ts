// Rules of `web_connectivity`: whether a URL can be reached. web-connectivity.md is the page. OONI's conclusion from
// the probe's and the helper's view is in ooni-conclusion.ts; here are its keys, and our own verdict.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { httpUrl } from '../data-formats/http-url.ts'
import { failure, type HttpRequest, type Observations } from '../data-formats/observation.ts'
import { testHelperResponse } from '../protocol/test-helper.ts'
import { addressPartRules, addressParts } from './address-parts.ts'
import { isBogon } from './bogon.ts'
import {
  type FailedStep,
  failedStepOf,
  hostOfStep,
  sameRequestTag,
  tagged,
  untagged,
  withoutFollowUps,
} from './failed-step.ts'
import { dnsHops } from './forged-answer.ts'
import { hostOfUrl } from './host-text.ts'
import { isFilteredInHouse } from './house-filter.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest } from './nettest-spec.ts'
import { blocking, concludeAsOoni } from './ooni-conclusion.ts'
import { type FailedHop, gotPast, isForgedAddress, isUnknownOutside } from './outside-step.ts'
import { compareWithOutside, dnsConsistency, type OutsideView, pagesOf } from './outside-view.ts'
import { comparison, type Likeness, likeness, notCompared } from './page-comparison.ts'
import { areNamesakes, leavesSite } from './redirect.ts'
import {
  type Throttling,
  throttling,
  throttlingIn,
  throttlingSuspected,
  transferControlTag,
  webConnectivityOptions,
} from './throttling.ts'
import { isSameServer, isTurnedAway } from './turned-away.ts'
import {
  type Circumstances,
  isCutOff,
  isPortal,
  leastSecondsToRepeat,
  type Verdict,
  verdict,
} from './verdict.ts'

const nettest = 'web_connectivity'

/** OONI's word for an empty list of helpers. */
export const noHelper: Failure = 'unknown_failure: no available helpers'

const rules = [
  'https_response',
  'cleartext_response',
  'same_page_outside',
  'page_differs',
  'foreign_page',
  'filtered_in_house',
  'link_down',
  'link_degraded',
  'link_unknown',
  'slower_than_control',
  throttlingSuspected,
  ...addressPartRules,
] as const
type WebConnectivityRule = (typeof rules)[number]

/** OONI's tag for the hops of a redirect chain, from 0. */
export const depthTag = (depth: number) => `depth=${depth}`

/** The keys OONI's readers look for. null is "cannot be told". */
const findings = {
  agent: v.literal('redirect'),
  client_resolver: v.string(),
  retries: v.null(),
  socksproxy: v.null(),
  /** The helper's answer, as it came; null when there was none. */
  control: v.nullable(testHelperResponse),
  /** Why there was none; null when there was one. */
  control_failure: failure,
  dns_experiment_failure: failure,
  dns_consistency: v.nullable(v.picklist(['consistent', 'inconsistent'])),
  http_experiment_failure: failure,
  ...comparison.entries,
  blocking,
  accessible: v.nullable(v.boolean()),
  /** Present when the last page came slowly. */
  x_sonde_throttling: v.optional(throttling),
}

const controlOfHop = v.object({
  depth: v.pipe(v.number(), v.integer(), v.minValue(1)),
  helper: v.string(),
  control: testHelperResponse,
})
export type ControlOfHop = Readonly<v.InferOutput<typeof controlOfHop>>

export const webConnectivity = defineNettest({
  name: nettest,
  version: '0.5.28',
  about: 'one URL, step by step',
  input: httpUrl,
  options: webConnectivityOptions,
  observations: {
    /** URL of the test helper that gave the outside view. Absent when none did. */
    x_sonde_test_helper: v.optional(v.string()),
    /** What a helper saw of the hop that failed, where a redirect led there. Absent when it was not asked. */
    x_sonde_control_of_hop: v.optional(controlOfHop),
    /** How far away an answer that looks forged is given. Absent where none did. */
    x_sonde_dns_hops: v.optional(dnsHops),
    /** What a second helper saw of the same URL, asked where the first was at odds with the probe. Absent: none was. */
    x_sonde_second_control: v.optional(v.object({ helper: v.string(), control: testHelperResponse })),
  },
  findings,
  /** By `ipv4`, `ipv6` or `IP:PORT`: what of a target that was reached was not. */
  parts: v.optional(v.record(v.string(), verdict)),
  rules,
  judge({ seen: all, own, circumstances, outside = noHelper }) {
    const looked = untagged(all, transferControlTag)
    // What came of the same request once more is evidence about a failure, and no page.
    const seen = { ...looked, requests: withoutFollowUps(looked).requests }
    const answered = typeof outside === 'string' ? null : outside
    const first = tagged(seen, depthTag(0))
    const consistency = dnsConsistency(first, answered)
    const last = seen.requests[0]
    const compared =
      last?.failure !== null || answered === null ? notCompared : compareWithOutside(last, answered)
    // OONI's keys have the first helper's view alone.
    const deciding = own.x_sonde_second_control?.control ?? answered
    const hop = failedHop(looked, deciding, circumstances.lab, own.x_sonde_control_of_hop)
    const hops = Array.from({ length: lastDepth(seen) + 1 }, (_, depth) => tagged(seen, depthTag(depth)))
    const slow = throttlingIn(seen, all, answered?.http_request ?? null)
    const reached = judgeReached(seen, { hop, outside: deciding, first: answered }, circumstances)
    return {
      keys: {
        agent: 'redirect' as const,
        client_resolver: '127.0.0.2',
        retries: null,
        socksproxy: null,
        control: answered,
        control_failure: typeof outside === 'string' ? outside : null,
        dns_experiment_failure:
          withoutFollowUps(first).queries.find(({ engine }) => engine === 'getaddrinfo')?.failure ?? null,
        dns_consistency: consistency,
        ...compared,
        ...concludeAsOoni({ hops, outside: answered }, consistency),
        ...throttlingKeys(slow),
      },
      verdict: slow === null || reached.verdict !== 'ok' ? reached : judgeSlow(reached, slow, circumstances),
      parts: hop === null ? addressParts(nettest, first, deciding, circumstances) : null,
    }
  },
})

function throttlingKeys(found: Throttling | null): {
  readonly x_sonde_throttling?: v.InferOutput<typeof throttling>
} {
  if (found === null) return {}
  const { transactionIds: _inTheVerdict, ...compared } = found
  return { x_sonde_throttling: compared }
}

/**
 * A page that was reached and came slowly. Without a neutral site that was fast over the same link it may be the link,
 * and without a helper that was fast, the server.
 */
function judgeSlow(reached: Verdict, slow: Throttling, { link, earlier }: Circumstances): Verdict {
  if (link.state !== 'up' || link.controls_ok < link.controls || slow.control?.faster !== true) return reached
  const say = (verdict: Verdict['verdict'], rule: WebConnectivityRule): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@1`,
    step: 'http_round_trip',
    how: throttlingSuspected,
    because: [...slow.transactionIds],
  })
  const again = earlier?.how === throttlingSuspected && earlier.secondsAgo >= leastSecondsToRepeat
  return again && slow.outside?.faster === true
    ? say('anomaly', throttlingSuspected)
    : say('undetermined', 'slower_than_control')
}

/** What was found out of a chain, for the verdict and OONI's keys alike. */
interface Found {
  readonly hop: Failed | null
  /** The helper's answer; null without one. Where a second one was asked, that one's. */
  readonly outside: OutsideView | null
  /** The first one's. */
  readonly first: OutsideView | null
}

function judgeReached(
  seen: Observations,
  { hop, outside, first }: Found,
  circumstances: Circumstances,
): Verdict {
  if (hop !== null) {
    const got = gotPast(hop, hop.view, circumstances)
    const reachedOutside = hop.view === outside ? ofTwo(gotPast(hop, first, circumstances), got) : got
    const more = { outside: reachedOutside, maybeBroken: true }
    return judgeFailedStep(nettest, hop.failed, circumstances, more)
  }
  const last = seen.requests[0]
  const say = (verdict: Verdict['verdict'], rule: WebConnectivityRule, how: string | null): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@${versionOf(rule)}`,
    step: verdict === 'ok' ? null : 'http_round_trip',
    how,
    because: last === undefined ? [] : [last.transaction_id],
  })
  // Over verified TLS nobody but the site can answer, if it is the site that was asked.
  if (last !== undefined && isOverTls(last) && isSitesOwn(seen, outside))
    return say('ok', 'https_response', null)
  if (isPortal(circumstances.link)) return say('link_down', 'link_down', circumstances.link.state)
  // Anyone on the path can write a page in clear text, and a redirect; only a second view can tell whose it is.
  if (last === undefined || outside === null || pagesOf(last, outside) === null) {
    // Some gateways without a way out answer themselves, whoever is asked.
    if (isCutOff(circumstances.link)) return say('link_down', 'link_down', circumstances.link.state)
    return say('undetermined', 'cleartext_response', null)
  }
  const like = likenessOf(last, outside)
  if (like === 'same') return say('ok', 'same_page_outside', null)
  const { state } = circumstances.link
  if (isCutOff(circumstances.link)) return say('link_down', 'link_down', state)
  if (state !== 'up')
    return say('undetermined', state === 'degraded' ? 'link_degraded' : 'link_unknown', 'page_differs')
  if (isFilteredInHouse(seen, circumstances.lab))
    return say('undetermined', 'filtered_in_house', 'page_differs')
  // Where two helpers got two pages, there is one for each place.
  const isOfPlace = first !== null && helpersDiffer(last, first, outside)
  if (like === 'unclear' || isOfPlace || isFrontOfSite(seen) || isTurnedAway(last, outside))
    return say('undetermined', 'page_differs', 'page_differs')
  return say('anomaly', 'foreign_page', 'page_differs')
}

/** Rules that changed their mind: whose page it is was OONI's comparison at first. */
const versions: Readonly<Partial<Record<WebConnectivityRule, number>>> = {
  filtered_in_house: 3,
  foreign_page: 5,
  page_differs: 4,
  same_page_outside: 3,
  // Where a redirect in clear text led was once the site's word, and one that led nowhere was compared with nothing.
  https_response: 2,
  cleartext_response: 2,
  link_degraded: 2,
}
const versionOf = (rule: WebConnectivityRule) => versions[rule] ?? 1

/**
 * Whether the site itself led to where the last answer came from: it never left the site by a redirect in clear text, but to
 * hosts that the helper was led to as well.
 */
function isSitesOwn({ requests }: Observations, outside: OutsideView | null): boolean {
  const known = outside?.http_request.x_sonde_hosts ?? []
  // Of a kept record a scrubbed host is none.
  const urls = requests.filter(({ failure }) => failure === null).map(({ request }) => request.url)
  const hops = urls.filter((url) => URL.canParse(url)).map((url) => new URL(url))
  // The newest comes first.
  return hops.every((to, i) => {
    const from = hops[i + 1]
    return from === undefined || !leavesSite(from, to) || known.includes(hostOfUrl(to))
  })
}

/** Whether the last answer is a page that somebody else may have written, and another one than the helper got. */
export function isForeignPage(looked: Observations, outside: OutsideView): boolean {
  const { requests } = withoutFollowUps(looked)
  const [last] = requests
  if (last === undefined || last.failure !== null) return false
  if (isOverTls(last) && isSitesOwn({ ...looked, requests }, outside)) return false
  return pagesOf(last, outside) !== null && likenessOf(last, outside) === 'other'
}

/**
 * Of two helpers: one that is itself blocked, or has lost its network, fails where the other does not. That a second got there
 * counts; that it did not takes away what the first said, and no more.
 */
function ofTwo(first: boolean | null, second: boolean | null): boolean | null {
  if (first === null || second === null) return first ?? second
  return first === second || second ? second : null
}

function helpersDiffer(answer: HttpRequest, first: OutsideView, second: OutsideView): boolean {
  const [a, b] = [pagesOf(answer, first), pagesOf(answer, second)]
  return first !== second && a !== null && b !== null && likeness(a.helper, b.helper, false) === 'other'
}

function likenessOf(answer: HttpRequest, outside: OutsideView): Likeness {
  const pages = pagesOf(answer, outside)
  return pages === null ? 'unclear' : likeness(pages.probe, pages.helper, isSameServer(answer, outside))
}

/** Whether the last answer came over verified TLS from a host that is called as the first was: a front for this country. */
function isFrontOfSite({ requests }: Observations): boolean {
  const [last, first] = [requests[0], requests.at(-1)]
  if (last === undefined || first === undefined || !isOverTls(last)) return false
  const urls = [last, first].map(({ request }) => request.url)
  if (!urls.every((url) => URL.canParse(url))) return false
  const [to = '', from = ''] = urls.map((url) => hostOfUrl(new URL(url)))
  return areNamesakes(from, to)
}

/** With what a helper saw of it. */
type Failed = FailedHop & { readonly view: OutsideView | null }

/** The first hop of the redirect chain that did not answer. */
function failedHop(
  seen: Observations,
  outside: OutsideView | null,
  lab: boolean,
  asked: ControlOfHop | undefined,
): Failed | null {
  for (let depth = 0; depth <= lastDepth(seen); depth++) {
    const observations = tagged(seen, depthTag(depth))
    const failed = failedStepOf(observations, lab)
    if (failed === null) continue
    const before = tagged(seen, depthTag(depth - 1)).requests.find((each) => each.failure === null)
    const onlyHere = before !== undefined && isOverTls(before) && !wasOutside(observations, outside)
    // A hop that the helper was asked about is to it a first one.
    const isAsked = asked?.depth === depth
    const view = isAsked ? asked.control : outside
    const hop = {
      ...(isAsked ? { depth: 0, onlyHere: false } : { depth, onlyHere }),
      observations,
      failed: unlessForged(failed, observations, view),
    }
    const host = hostOfStep(observations, observations.queries[0]?.transaction_id)
    const beside = {
      forgedAddress: isForgedAddress(hop, view),
      unknownOutside: hop.depth === 0 && view !== null && isUnknownOutside(observations, view),
      goneElsewhere: failed.goneElsewhere && (hop.depth > 0 || (view?.dns.addrs ?? []).every(isBogon)),
    }
    return { ...hop, failed: { ...hop.failed, ...beside, host }, view }
  }
  return null
}

/** Whether the helper was led to the host of this hop, as far as it says. */
function wasOutside({ queries, tls_handshakes }: Observations, outside: OutsideView | null): boolean {
  const hosts = outside?.http_request.x_sonde_hosts
  const host = queries[0]?.hostname ?? tls_handshakes[0]?.server_name
  return hosts === undefined || host === undefined || hosts.includes(host)
}

/** A request in clear text that was answered when it was made again did not pass if the answer is another page than outside. */
function unlessForged(failed: FailedStep, hop: Observations, outside: OutsideView | null): FailedStep {
  const answer = tagged(hop, sameRequestTag).requests.find((each) => each.failure === null)
  if (failed.again !== 'passed' || answer === undefined || outside === null) return failed
  return likenessOf(answer, outside) === 'other' ? { ...failed, again: 'failed_too' } : failed
}

function lastDepth(seen: Observations): number {
  const all = [...seen.queries, ...seen.tcp_connect].flatMap(({ tags }) => tags)
  const depths = all
    .filter((tag) => tag.startsWith('depth='))
    .map((tag) => Number(tag.slice('depth='.length)))
  return Math.max(0, ...depths)
}

function isOverTls(request: HttpRequest): boolean {
  return request.failure === null && request.request.url.startsWith('https:')
}
