// Rules of `http_header_field_manipulation`: OONI's ts-006 in version 0.2.1. A request with odd capitals is sent to a
// server that tells what it got; a proxy on the way writes its own. http-header-field-manipulation.md is the page.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { failure, type Observations } from '../data-formats/observation.ts'
import { scrubbed } from '../data-formats/scrub-text.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest, noInput } from './nettest-spec.ts'
import { failedAt } from './system-lookup.ts'
import { type Circumstances, isCutOff, type Verdict } from './verdict.ts'

const nettest = 'http_header_field_manipulation'

const rules = [
  'no_helper',
  'arrived_unchanged',
  'link_down',
  'link_degraded',
  'link_unknown',
  'not_the_helper',
  'request_changed',
] as const

/** Not GET: a proxy that understands HTTP puts it right, or turns it away. */
export const oddMethod = 'GeT'
export const oddRequestLine = `${oddMethod} / HTTP/1.1`

const headerFieldOptions = v.strictObject({
  /** `http://IP[:PORT]/` of a server that answers with what it got, as JSON. Without one nothing is measured. */
  helper: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => parseHelperUrl(text) !== null, 'expected http://IP[:PORT]/'),
    ),
  ),
})

/** @returns null when `text` is no such URL. A name would make the resolver a part of the experiment. */
export function parseHelperUrl(text: string): { readonly ip: string; readonly port: number } | null {
  const [, bare, bracketed, port = '80'] =
    /^http:\/\/(?:([\d.]+)|\[([0-9a-f:.]+)\])(?::(\d{1,5}))?\/$/.exec(text) ?? []
  const ip = bare ?? bracketed
  if (ip === undefined || !v.safeParse(v.pipe(v.string(), v.ip()), ip).success) return null
  return Number(port) >= 1 && Number(port) <= 65535 ? { ip, port: Number(port) } : null
}

/** What the helper answers: the request line as it came, and every header with its values. */
export const helperReply = v.looseObject({
  request_line: v.string(),
  headers_dict: v.record(v.string(), v.array(v.string())),
})
export type HelperReply = v.InferOutput<typeof helperReply>

/**
 * What the helper saw of our request, and no more of it than is judged: a mobile operator's proxy adds the subscriber's
 * number and address, so of a header that is not ours only the name is kept.
 */
const seenByHelper = v.looseObject({
  request_line: v.string(),
  headers: v.array(
    v.object({
      name: v.string(),
      /** null for a header that we did not send. */
      value_matches: v.nullable(v.boolean()),
    }),
  ),
})
export type SeenByHelper = v.InferOutput<typeof seenByHelper>

/** Names of headers are tokens; what is longer or has other characters may be anything, an address included. */
const plainName = /^[A-Za-z][A-Za-z-]{0,39}$/
/** As long as a request line for `/` gets when a proxy writes it out in full. */
const maxRequestLine = 64

/** @param sent - Our headers, as we spelled them. */
export function compareWithReply(sent: Readonly<Record<string, string>>, reply: HelperReply): SeenByHelper {
  const ours = new Map(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]))
  return {
    request_line: reply.request_line === oddRequestLine ? oddRequestLine : shapeOf(reply.request_line),
    headers: Object.entries(reply.headers_dict).map(([name, values]) => {
      const value = ours.get(name.toLowerCase())
      return {
        name: plainName.test(name) ? name : '(not a plain name)',
        value_matches: value === undefined ? null : values.length === 1 && values[0] === value,
      }
    }),
  }
}

/**
 * The helper's answer in its own form, made of what is kept of it: every value that is not ours is left out, since it may
 * name whom a proxy serves.
 *
 * @param sent - Our headers, as we spelled them.
 */
export function keptReply(
  sent: Readonly<Record<string, string>>,
  { request_line, headers }: SeenByHelper,
): string {
  const ours = new Map(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]))
  const pairs = headers.map(({ name, value_matches }): [string, string[]] => {
    const value = value_matches === true ? ours.get(name.toLowerCase()) : scrubbed
    return [name, [value ?? scrubbed]]
  })
  const reply: HelperReply = { request_line, headers_dict: Object.fromEntries(pairs) }
  return JSON.stringify(reply)
}

/** The line with everything between method and version left out, where a proxy may have written whom it serves. */
function shapeOf(line: string): string {
  const [, method, version] = /^([A-Za-z]{1,10}) .* (HTTP\/\d\.\d)$/.exec(line.slice(0, maxRequestLine)) ?? []
  return method === undefined ? '(no request line)' : `${method} (something else) ${version}`
}

const tampering = v.object({
  /** No answer in the helper's form. */
  total: v.boolean(),
  request_line_capitalization: v.boolean(),
  header_field_number: v.boolean(),
  header_name_capitalization: v.boolean(),
  /** Names that only one side has: ours, then those that arrived. */
  header_name_diff: v.array(v.string()),
  header_field_value: v.boolean(),
  /** Always false: OONI never sets it. */
  header_field_name: v.boolean(),
})
type Tampering = v.InferOutput<typeof tampering>

export const headerFieldManipulation = defineNettest({
  name: nettest,
  version: '0.2.1',
  about: 'a proxy that rewrites requests',
  input: noInput,
  options: headerFieldOptions,
  // OONI's scoring compares request and answer itself.
  keepsBody: true,
  observations: {
    /** null without a helper, and when it did not answer in its own form. */
    x_sonde_seen_by_helper: v.nullable(seenByHelper),
    /** null without a helper; the names of the headers we sent, as we spelled them. */
    x_sonde_sent_headers: v.nullable(v.array(v.string())),
    /** As in the options; absent when nothing was sent. */
    x_sonde_helper: v.optional(v.string()),
  },
  findings: { agent: v.literal('agent'), failure, socksproxy: v.null(), tampering },
  parts: null,
  rules,
  judge({ seen, own, circumstances }) {
    const { x_sonde_seen_by_helper: reply, x_sonde_sent_headers: sent } = own
    const end = requestEndIn(seen, reply !== null)
    const tampering = tamperingIn(sent, reply)
    return {
      keys: { agent: 'agent' as const, failure: end.failure, socksproxy: null, tampering },
      verdict: judgeAnswer(seen, end, tampering, circumstances),
      parts: null,
    }
  },
})

function tamperingIn(sent: readonly string[] | null, reply: SeenByHelper | null): Tampering {
  const nothing = {
    request_line_capitalization: false,
    header_field_number: false,
    header_name_capitalization: false,
    header_name_diff: [],
    header_field_value: false,
    header_field_name: false,
  }
  if (sent === null) return { total: false, ...nothing }
  if (reply === null) return { total: true, ...nothing }
  const arrived = reply.headers.map((header) => header.name)
  const onlySent = sent.filter((name) => !arrived.includes(name))
  const onlyArrived = arrived.filter((name) => !sent.includes(name))
  return {
    ...nothing,
    total: false,
    request_line_capitalization: reply.request_line !== oddRequestLine,
    header_field_number: sent.length !== arrived.length,
    header_name_capitalization: onlySent.length + onlyArrived.length > 0,
    header_name_diff: [...onlySent, ...onlyArrived],
    header_field_value: reply.headers.some((header) => header.value_matches === false),
  }
}

/** How far the request came. */
interface RequestEnd {
  readonly step: 'connect' | 'http_round_trip'
  /** null when the helper answered in its own form, and when none was asked. */
  readonly failure: Failure | null
  readonly because: readonly number[]
}

function requestEndIn(seen: Observations, understood: boolean): RequestEnd {
  const connect = seen.tcp_connect[0]
  if (connect === undefined) return { step: 'connect', failure: null, because: [] }
  const because = [connect.transaction_id]
  if (connect.status.failure !== null) return { step: 'connect', failure: connect.status.failure, because }
  const request = seen.requests[0]
  if (request === undefined || request.failure !== null) {
    return { step: 'http_round_trip', failure: request?.failure ?? 'interrupted', because }
  }
  // OONI's words for an answer that is not the helper's.
  if (request.response.code !== 200)
    return { step: 'http_round_trip', failure: 'http_request_failed', because }
  return { step: 'http_round_trip', failure: understood ? null : 'json_parse_error', because }
}

function judgeAnswer(
  seen: Observations,
  { step, failure: ended, because }: RequestEnd,
  tampering: Tampering,
  circumstances: Circumstances,
): Verdict {
  const say = (verdict: Verdict['verdict'], rule: (typeof rules)[number], how: string | null): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@1`,
    step: how === null ? null : 'http_round_trip',
    how,
    because: [...because],
  })
  if (seen.tcp_connect.length === 0) return say('undetermined', 'no_helper', null)
  const changed = Object.entries(tampering).flatMap(([what, value]) => (value === true ? [what] : []))
  if (ended === null && changed.length === 0) return say('ok', 'arrived_unchanged', null)
  const request = seen.requests[0]
  const failed = failedAt(
    step,
    request?.failure ?? seen.tcp_connect[0]?.status.failure ?? 'interrupted',
    because,
  )
  const reached = request !== undefined && request.failure === null
  // A failure of a step is judged as everywhere; and nothing is said of an answer over a link that is not well.
  if (!reached) return judgeFailedStep(nettest, failed, circumstances)
  if (circumstances.link.state !== 'up') {
    const { state } = circumstances.link
    if (isCutOff(circumstances.link)) return say('link_down', 'link_down', state)
    return say('undetermined', state === 'degraded' ? 'link_degraded' : 'link_unknown', state)
  }
  // Somebody answered, the helper in trouble or somebody who turned the odd method away: it cannot be told which.
  if (ended !== null) return say('undetermined', 'not_the_helper', ended)
  return say('anomaly', 'request_changed', changed.join(' '))
}
