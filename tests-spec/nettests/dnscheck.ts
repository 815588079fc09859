// Rules of `dnscheck`: OONI's ts-028 in version 0.9.3. Whether a named resolver, mostly an encrypted one, can be found
// and used from here. dnscheck.md is the page.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { failure, type Observations } from '../data-formats/observation.ts'
import { isBogon } from './bogon.ts'
import { addressesIn, type FailedStep, tagged } from './failed-step.ts'
import { bareHost } from './host-text.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest } from './nettest-spec.ts'
import { failedAt, failedLookup } from './system-lookup.ts'
import { type Circumstances, gravest, isCutOff, partsOf, type Step, steps, type Verdict } from './verdict.ts'

const nettest = 'dnscheck'

/** The lookup of the resolver's own name, and the questions to it: one for each address, which the tag names. */
export const bootstrapTag = 'bootstrap'
export const lookupTag = (url: string) => `lookup=${url}`

const rules = ['name_resolved', 'answer_over_tls', 'cleartext_answer', 'link_down'] as const

/** `https://HOST[:PORT]/PATH`, or `dot`, `udp`, `tcp` with `://HOST[:PORT]`. */
const dnscheckInput = v.pipe(
  v.string(),
  v.check((text) => parseResolverUrl(text) !== null, 'expected an https, dot, udp or tcp URL of a resolver'),
)

const dnscheckOptions = v.strictObject({
  /** Asked about. */
  domain: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,253}$/)), 'example.org'),
  /** Addresses of the resolver, tried beside those its name resolves to: OONI's `DefaultAddrs`. */
  default_addrs: v.optional(v.pipe(v.array(v.pipe(v.string(), v.ip())), v.maxLength(8)), []),
})

export interface ResolverUrl {
  readonly transport: 'doh' | 'dot' | 'udp' | 'tcp'
  /** A name, or an IP literal without brackets. */
  readonly host: string
  readonly port: number
  /** Of a DoH URL; empty otherwise. */
  readonly path: string
}

const transports = { https: 'doh', dot: 'dot', udp: 'udp', tcp: 'tcp' } as const
const defaultPorts = { doh: 443, dot: 853, udp: 53, tcp: 53 } as const

/** @returns null when `text` is no URL of a resolver. */
export function parseResolverUrl(text: string): ResolverUrl | null {
  const pattern = /^(https|dot|udp|tcp):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?(\/[!-~]*)?$/
  const [, scheme, host, port, path = ''] = pattern.exec(text) ?? []
  if (scheme === undefined || host === undefined || !URL.canParse(text)) return null
  const transport = transports[scheme as keyof typeof transports]
  if (transport === 'doh' ? path === '' : path.length > 1) return null
  const number = port === undefined ? defaultPorts[transport] : Number(port)
  if (number < 1 || number > 65535) return null
  return {
    transport,
    host: bareHost(host),
    port: number,
    path: transport === 'doh' ? path : '',
  }
}

/** The resolver's URL with `ip` in the place of its name, as OONI writes the keys of `lookups`. */
export function withAddress({ transport, port, path }: ResolverUrl, ip: string): string {
  const scheme = transport === 'doh' ? 'https' : transport
  const host = ip.includes(':') ? `[${ip}]` : ip
  const place = transport === 'doh' && port === defaultPorts.doh ? host : `${host}:${port}`
  return `${scheme}://${place}${path}`
}

const outcome = v.object({
  agent: v.literal('redirect'),
  failed_operation: v.nullable(v.picklist(steps)),
  failure,
})

export const dnscheck = defineNettest({
  name: nettest,
  version: '0.9.3',
  about: 'a resolver, mostly an encrypted one: its name, and an answer from it',
  input: dnscheckInput,
  options: dnscheckOptions,
  observations: {
    domain: v.string(),
    /** As given; OONI's name. */
    x_default_addrs: v.array(v.string()),
  },
  /** OONI puts the observations of each part inside it; ours stand in the five lists, under its tag. */
  findings: {
    /** null when the URL has an address for a host. */
    bootstrap: v.nullable(outcome),
    bootstrap_failure: failure,
    /** By the URL with the address in it. */
    lookups: v.record(v.string(), outcome),
  },
  /** `bootstrap` only where there was a name to look up. */
  parts: partsOf('bootstrap', 'lookups'),
  rules,
  judge({ seen, circumstances }) {
    const { lab } = circumstances
    const { queries } = tagged(seen, bootstrapTag)
    const bootstrap = failedLookup({ queries }, lab)
    const questions = lookupsIn(seen).map((url) => askedOf(tagged(seen, lookupTag(url)), url, lab))
    const lookups = judgeQuestions(questions, bootstrap, circumstances)
    const keys = {
      bootstrap: queries.length === 0 ? null : outcomeOf(bootstrap),
      bootstrap_failure: bootstrap?.failure ?? null,
      lookups: Object.fromEntries(questions.map(({ url, failed }) => [url, outcomeOf(failed)])),
    }
    if (queries.length === 0) return { keys, verdict: lookups, parts: { lookups } }
    const found: Verdict = {
      verdict: 'ok',
      rule: `${nettest}/name_resolved@1`,
      step: null,
      how: null,
      because: queries.map((query) => query.transaction_id),
    }
    const parts = {
      bootstrap: bootstrap === null ? found : judgeFailedStep(nettest, bootstrap, circumstances),
      lookups,
    }
    return { keys, verdict: gravest([parts.lookups, parts.bootstrap]) ?? lookups, parts }
  },
})

function outcomeOf(failed: FailedStep | null): v.InferOutput<typeof outcome> {
  return { agent: 'redirect', failed_operation: failed?.step ?? null, failure: failed?.failure ?? null }
}

/** What became of the questions to one address. */
interface Question {
  readonly url: string
  readonly queries: Observations['queries']
  /** null when an answer came that a public name can have. */
  readonly failed: FailedStep | null
}

function askedOf(seen: Observations, url: string, lab: boolean): Question {
  return { url, queries: seen.queries, failed: failedQuestion(seen, lab) }
}

/**
 * One address that answers makes the resolver usable; but a lie told at another is found all the same.
 *
 * @param bootstrap - How the lookup of the resolver's name failed, without which there was nobody to ask.
 */
function judgeQuestions(
  questions: readonly Question[],
  bootstrap: FailedStep | null,
  circumstances: Circumstances,
): Verdict {
  const each = questions.map((question) => judgeQuestion(question, circumstances))
  const worst = gravest(each)
  if (worst === undefined) {
    return judgeFailedStep(nettest, bootstrap ?? failedAt('resolve', 'interrupted', []), circumstances)
  }
  // A cut seen once is measured again, which one that is `ok` would not be.
  if (worst.verdict === 'anomaly' || worst.rule.startsWith(`${nettest}/failed_once@`)) return worst
  return each.find(({ verdict }) => verdict === 'ok') ?? each.find(({ how }) => how === null) ?? worst
}

function judgeQuestion({ queries, failed }: Question, circumstances: Circumstances): Verdict {
  if (failed !== null) return judgeFailedStep(nettest, failed, circumstances)
  const query = queries.at(-1)
  const say = (verdict: Verdict['verdict'], rule: (typeof rules)[number], how: string | null): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@1`,
    step: null,
    how,
    because: queries.map((each) => each.transaction_id),
  })
  // Over verified TLS nobody but the resolver can answer.
  if (query?.engine === 'dot' || query?.engine === 'doh') return say('ok', 'answer_over_tls', null)
  if (isCutOff(circumstances.link)) return say('link_down', 'link_down', circumstances.link.state)
  // Anyone on the path can write it, and many networks answer for every resolver.
  return say('undetermined', 'cleartext_answer', null)
}

/** @param seen - Of one address. @returns null when an answer came that a public name can have. */
function failedQuestion(seen: Observations, lab: boolean): FailedStep | null {
  const query = seen.queries.at(-1)
  if (query === undefined) return failedAt('resolve', 'interrupted', [])
  const at = (step: Step, how: Failure) => failedAt(step, how, [query.transaction_id])
  if (query.failure === null) {
    const addresses = addressesIn(query)
    return !lab && addresses.length > 0 && addresses.every(isBogon) ? at('resolve', 'dns_bogon_error') : null
  }
  const request = seen.requests.find((each) => each.failure !== null)
  if (request?.failure) return at('http_round_trip', request.failure)
  const handshake = seen.tls_handshakes.find((each) => each.failure !== null)
  if (handshake?.failure) {
    const certificateFaults = handshake.x_sonde_certificate_faults ?? []
    return { ...at('tls_handshake', handshake.failure), certificateFaults }
  }
  const connect = seen.tcp_connect.find((each) => each.status.failure !== null)
  if (connect?.status.failure) return at('connect', connect.status.failure)
  return at('resolve', query.failure)
}

/** The URLs asked, in the order they were. */
function lookupsIn(seen: Observations): string[] {
  const tags = seen.queries.flatMap((query) => query.tags)
  const urls = tags.flatMap((tag) => (tag.startsWith('lookup=') ? [tag.slice('lookup='.length)] : []))
  return [...new Set(urls)]
}
