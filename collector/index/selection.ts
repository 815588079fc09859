// Which measurements somebody wants: what an export may be narrowed by, and how to go on where the last page ended.

import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'

/** The last measurement of a page: the next page begins behind it. */
export interface Cursor {
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly batch: string
  readonly n: number
}

/** null: any. Times are milliseconds since 1970, from and including, up to and without. */
export interface Selection {
  readonly receivedSince: number | null
  readonly receivedUntil: number | null
  /** By the corrected time. */
  readonly measuredSince: number | null
  readonly measuredUntil: number | null
  /** `AS` and a number. */
  readonly asn: string | null
  readonly testName: string | null
  readonly input: string | null
  readonly verdict: VerdictKind | null
  /** null: from the beginning. */
  readonly after: Cursor | null
  /** At most so many. */
  readonly limit: number
}

export const everything: Selection = {
  receivedSince: null,
  receivedUntil: null,
  measuredSince: null,
  measuredUntil: null,
  asn: null,
  testName: null,
  input: null,
  verdict: null,
  after: null,
  limit: 1_000,
}

/** Opaque to its reader, and the same for ever: it names a measurement. */
export function writeCursor({ receivedAt, batch, n }: Cursor): string {
  return `${receivedAt}.${n}.${batch}`
}

/** @returns null for what is no cursor. */
export function readCursor(text: string): Cursor | null {
  const [, receivedAt, n, batch = ''] = /^(\d{1,16})\.(\d{1,16})\.([0-9a-f]{64})$/.exec(text) ?? []
  return batch === '' ? null : { receivedAt: Number(receivedAt), n: Number(n), batch }
}

/** Conditions and their values, for a statement over `measurements`; in the order of receipt. */
export function conditionsOf(selection: Selection): { where: string; values: (string | number)[] } {
  const { after } = selection
  const conditions: readonly (readonly [sql: string, value: string | number | null])[] = [
    ['received_at >= ?', selection.receivedSince],
    ['received_at < ?', selection.receivedUntil],
    ['corrected_at >= ?', selection.measuredSince],
    ['corrected_at < ?', selection.measuredUntil],
    ['asn = ?', selection.asn],
    ['test_name = ?', selection.testName],
    ['input = ?', selection.input],
    ['verdict = ?', selection.verdict],
  ]
  const chosen = conditions.flatMap(([sql, value]) => (value === null ? [] : [{ sql, value }]))
  const behind = after === null ? [] : ['(received_at, batch, n) > (?, ?, ?)']
  const where = [...chosen.map(({ sql }) => sql), ...behind].join(' and ')
  const cursor = after === null ? [] : [after.receivedAt, after.batch, after.n]
  return { where: where === '' ? '1' : where, values: [...chosen.map(({ value }) => value), ...cursor] }
}
