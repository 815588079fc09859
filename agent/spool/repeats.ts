// Finds which anomalies repeat what other anomalies say. Repeats are the last thing that is given up before whole
// segments of anomalies are. Pure.

import * as v from 'valibot'

/** A record of a segment, unpacked. */
export interface NumberedRecord {
  readonly n: number
  readonly json: Buffer
}

const head = v.object({
  measurement: v.object({
    test_name: v.string(),
    input: v.nullable(v.string()),
    test_keys: v.object({
      x_sonde_verdict: v.object({
        verdict: v.string(),
        step: v.nullable(v.string()),
        how: v.nullable(v.string()),
      }),
    }),
  }),
})

/**
 * @returns Numbers of records in the middle of a row of one outcome of one target. The first and the last record of a
 * row say from when to when the outcome held; the numbers of those between, named as lost, say how often it was seen.
 * A record that cannot be read is no repeat, and ends no row.
 */
export function repeatsIn(records: readonly NumberedRecord[]): number[] {
  const rows = new Map<string, { outcome: string; last: number; length: number }>()
  const repeats: number[] = []
  for (const { n, json } of [...records].sort((a, b) => a.n - b.n)) {
    const read = readHead(json)
    if (read === null) continue
    const { target, outcome } = read
    const row = rows.get(target)
    if (row?.outcome !== outcome) {
      rows.set(target, { outcome, last: n, length: 1 })
      continue
    }
    if (row.length > 1) repeats.push(row.last)
    row.last = n
    row.length++
  }
  return repeats
}

function readHead(json: Buffer): { readonly target: string; readonly outcome: string } | null {
  try {
    const { test_name, input, test_keys } = v.parse(head, JSON.parse(json.toString('utf8'))).measurement
    const { verdict, step, how } = test_keys.x_sonde_verdict
    return { target: `${test_name} ${input ?? ''}`, outcome: `${verdict} ${step} ${how}` }
  } catch {
    // The record may be of another version: it is kept as it is.
    return null
  }
}
