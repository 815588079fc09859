// Whether the page a probe got is the page the helper got: OONI's comparison in its version 0.5. Lengths, titles and
// headers only, so that no body has to be kept. web-connectivity.md, "Comparison", is the page.

import * as v from 'valibot'
import { plainText } from './page-text.ts'

/** A final response, as much of it as is compared. */
export interface Page {
  /** 0 when there was no response. */
  readonly status: number
  /** Bytes of body; null when it was cut at the cap, which makes the length meaningless. */
  readonly bodyLength: number | null
  readonly title: string
  readonly headerNames: readonly string[]
}

/** null is "cannot be told". */
const match = v.nullable(v.boolean())
export const comparison = v.object({
  /** The shorter over the longer; 0 when they were not compared. */
  body_proportion: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  body_length_match: match,
  status_code_match: match,
  headers_match: match,
  title_match: match,
})
export type Comparison = Readonly<v.InferOutput<typeof comparison>>

export const notCompared: Comparison = {
  body_proportion: 0,
  body_length_match: null,
  status_code_match: null,
  headers_match: null,
  title_match: null,
}

/** OONI's word for what is no redirect. */
export const isFinal = (status: number) => status >= 200 && (status < 300 || status >= 400)

export function comparePages(probe: Page, helper: Page): Comparison {
  if (!isFinal(probe.status)) return notCompared
  const proportion = bodyProportion(probe.bodyLength, helper.bodyLength)
  return {
    body_proportion: proportion ?? 0,
    // OONI's threshold: block pages are mostly far shorter than what they replace.
    body_length_match: proportion === null ? null : proportion > 0.7,
    status_code_match: statusMatches(probe.status, helper.status),
    headers_match: sharesUncommonHeader(probe.headerNames, helper.headerNames),
    title_match: titlesMatch(probe.title, helper.title),
  }
}

/** The same status and one more likeness: a page that changes at every visit still keeps one of them. */
export function samePage({
  status_code_match,
  body_length_match,
  headers_match,
  title_match,
}: Comparison): boolean {
  return (
    status_code_match === true &&
    (body_length_match === true || headers_match === true || title_match === true)
  )
}

/**
 * Whose page it is, for the verdict: stricter than OONI's comparison, since what every server has is no identity.
 *
 * - `same`: the same status, something that only this page has (its title, its length where neither has a title, an uncommon
 *   header; of an error page, where titles are stock, its title and its length), and nothing that contradicts it.
 * - `unclear`: no page to compare with; a page of the same status that nothing contradicts; one that differs while an uncommon
 *   header or the server is the same: a captcha, a consent wall, a page for this country.
 * - `other`: everything else.
 */
export type Likeness = 'same' | 'unclear' | 'other'

export function likeness(probe: Page, helper: Page, isSameServer: boolean): Likeness {
  const status = statusMatches(probe.status, helper.status)
  if (status === null) return 'unclear'
  const title = titleLikeness(probe, helper)
  const proportion = bodyProportion(probe.bodyLength, helper.bodyLength)
  const length = proportion === null ? null : proportion > 0.7
  const header = sharesOwnHeader(probe.headerNames, helper.headerNames)
  const contradicted = title === false || (length === false && title !== true)
  const untitled = probe.title === '' && helper.title === '' && probe.bodyLength !== null
  const bothEmpty = probe.bodyLength === 0 && helper.bodyLength === 0
  const alike =
    helper.status >= 400
      ? title === true && length === true
      : title === true || (untitled && length === true) || bothEmpty
  if (status && (alike || header) && !contradicted) return 'same'
  return header || isSameServer || (status && !contradicted) ? 'unclear' : 'other'
}

/** Beside OONI's list, what every server and every middlebox writes. */
const everyones = new Set(
  (
    'connection content-length transfer-encoding keep-alive proxy-connection upgrade trailer refresh alt-svc mime-version ' +
    'x-cache x-cache-lookup content-security-policy referrer-policy'
  ).split(' '),
)

function sharesOwnHeader(probe: readonly string[], helper: readonly string[]): boolean {
  return sharesUncommonHeader(
    probe.filter((name) => !everyones.has(name.toLowerCase())),
    helper,
  )
}

/**
 * @returns true for one title twice; false for two without a word in common, or one alone; null for everything between, and
 *   where ours may stand behind what was read.
 */
function titleLikeness(probe: Page, helper: Page): boolean | null {
  if (probe.title === '' && probe.bodyLength === null) return null
  const [ours, theirs] = [probe, helper].map(({ title }) =>
    plainText(title).toLowerCase().replaceAll(/\s+/g, ' ').trim(),
  )
  if (ours === undefined || theirs === undefined || (ours === '' && theirs === '')) return null
  if (ours === theirs) return true
  if (ours === '' || theirs === '') return false
  const words = (title: string) => new Set(title.match(/[\p{L}\p{N}]{3,}/gu) ?? [])
  const shared = [...words(ours)].filter((word) => words(theirs).has(word))
  return shared.length === 0 ? false : null
}

function bodyProportion(probe: number | null, helper: number | null): number | null {
  if (probe === null || helper === null || probe <= 0 || helper <= 0) return null
  return Math.min(probe, helper) / Math.max(probe, helper)
}

function statusMatches(probe: number, helper: number): boolean | null {
  if (probe <= 0 || helper <= 0) return null
  if (probe === helper) return true
  // A helper that was itself turned away is no measure.
  return helper >= 200 && helper < 300 ? false : null
}

/** Headers every server and every middlebox writes; sharing them means nothing. OONI's list. */
const commonHeaders = new Set(
  (
    'date content-type server cache-control vary set-cookie location expires x-powered-by content-encoding ' +
    'last-modified accept-ranges pragma x-frame-options etag x-content-type-options age via p3p x-xss-protection ' +
    'content-language cf-ray strict-transport-security link x-varnish'
  ).split(' '),
)

function sharesUncommonHeader(probe: readonly string[], helper: readonly string[]): boolean {
  const theirs = new Set(helper.map((name) => name.toLowerCase()))
  return probe.some((name) => !commonHeaders.has(name.toLowerCase()) && theirs.has(name.toLowerCase()))
}

/** Every word of five letters or more of either title is in both. Two empty titles match. */
function titlesMatch(probe: string, helper: string): boolean {
  const words = (title: string) =>
    new Set(
      // Helpers of OONI give a title as it is written.
      plainText(title)
        .toLowerCase()
        .split(' ')
        .filter((word) => Buffer.byteLength(word) >= 5),
    )
  const [ours, theirs] = [words(probe), words(helper)]
  return ours.size === theirs.size && [...ours].every((word) => theirs.has(word))
}
