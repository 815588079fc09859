// What somebody asks an export for, as text: the query of a URL, or options of a command. Every fault is named at once, and
// what is not known is refused, since a filter that was mistyped would export too much.

import * as v from 'valibot'
import { allNettests } from '../../tests-spec/nettests/all-nettests.ts'
import { verdictKinds } from '../../tests-spec/nettests/verdict.ts'
import { everything, readCursor, type Selection } from '../index/selection.ts'

export const exportFormats = ['jsonl', 'kept', 'csv', 'parquet'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** The most that one answer has. Of all there is more than anyone's memory holds. */
export const maxPerPage = 10_000

const timeHint = 'expected a date (2018-07-29) or a time with its zone (2018-07-29T21:00:00Z)'
/** A day is its first moment, UTC. */
const time = v.pipe(v.string(), v.check(isTime, timeHint), v.transform(Date.parse))
const optionalTime = v.optional(time)

const nettests = allNettests.map(({ name }) => name)

const request = v.strictObject({
  format: v.optional(v.picklist(exportFormats, `expected ${exportFormats.join(', ')}`), 'jsonl'),
  /** By when the collector received it. */
  since: optionalTime,
  until: optionalTime,
  /** By the corrected time of the measurement. */
  measured_since: optionalTime,
  measured_until: optionalTime,
  asn: v.optional(v.pipe(v.string(), v.regex(/^AS\d{1,10}$/, 'expected AS and a number'))),
  test_name: v.optional(v.picklist(nettests, `expected ${nettests.join(', ')}`)),
  input: v.optional(v.pipe(v.string(), v.maxLength(2_048))),
  verdict: v.optional(v.picklist(verdictKinds, `expected ${verdictKinds.join(', ')}`)),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.digits(`expected 1 to ${maxPerPage}`),
      v.transform(Number),
      v.minValue(1, `expected 1 to ${maxPerPage}`),
      v.maxValue(maxPerPage, `expected 1 to ${maxPerPage}`),
    ),
    '1000',
  ),
  cursor: v.optional(
    v.pipe(
      v.string(),
      v.transform(readCursor),
      v.check((cursor) => cursor !== null, 'expected what the last answer gave'),
    ),
  ),
})
type Request = v.InferOutput<typeof request>

/** Names of nettests that there are measurements of. */
export const exportedNettests: readonly string[] = nettests

/** Names that a request may have. */
export const requestFields = Object.keys(request.entries)

export type ReadRequest =
  | { readonly kind: 'read'; readonly format: ExportFormat; readonly selection: Selection }
  /** A sentence for each fault, with its place. */
  | { readonly kind: 'refused'; readonly faults: readonly string[] }

export function readExportRequest(fields: unknown): ReadRequest {
  const { success, output, issues } = v.safeParse(request, fields)
  if (!success) return { kind: 'refused', faults: issues.map(sentence) }
  const backwards = [
    ...(isAfter(output.since, output.until) ? ['since'] : []),
    ...(isAfter(output.measured_since, output.measured_until) ? ['measured_since'] : []),
  ]
  if (backwards.length > 0)
    return {
      kind: 'refused',
      faults: backwards.map((field) => `${field}: expected a time that is not after the end`),
    }
  return { kind: 'read', format: output.format, selection: selectionOf(output) }
}

/** @returns What is expected in place of `text`, or null for what this field takes. */
export function expectedInstead(field: keyof Request, text: string): string | null {
  const { issues } = v.safeParse(request.entries[field], text)
  return issues?.[0].message.replace(/^expected /, '') ?? null
}

function isAfter(since = -Infinity, until = Infinity): boolean {
  return since > until
}

/** In either form, and on a day that there is: `Date.parse` takes 30 February for the second of March. */
function isTime(text: string): boolean {
  const [, year, month, day] =
    /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.exec(text) ?? []
  if (day === undefined || !Number.isFinite(Date.parse(text))) return false
  return new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day)
}

function sentence(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue) ?? ''
  if (issue.type === 'strict_object') return `${field}: not known; expected ${requestFields.join(', ')}`
  return `${field}: ${issue.message}`
}

function selectionOf(asked: Request): Selection {
  return {
    ...everything,
    receivedSince: asked.since ?? null,
    receivedUntil: asked.until ?? null,
    measuredSince: asked.measured_since ?? null,
    measuredUntil: asked.measured_until ?? null,
    asn: asked.asn ?? null,
    testName: asked.test_name ?? null,
    input: asked.input ?? null,
    verdict: asked.verdict ?? null,
    after: asked.cursor ?? null,
    limit: asked.limit,
  }
}
