// What is kept of the observations and conclusions of a nettest, checked with the schemas: the measurement, the keys
// of its nettest, and that no key is kept which no schema knows.

import * as v from 'valibot'
import { expect } from 'vitest'
import { withEvidence } from '../../agent/measurement/evidence.ts'
import type { Conclusion, Nettest, NettestContext } from '../../agent/nettests/nettest.ts'
import type { Seen } from '../../agent/nettests/seen.ts'
import { type Measurement, measurement, testKeys } from '../../tests-spec/data-formats/measurement.ts'
import { observations } from '../../tests-spec/data-formats/observation.ts'
import { ownTestKeys, testKeysOf } from '../../tests-spec/nettests/test-keys.ts'
import { measured } from './measured.ts'
import { good } from './observations.ts'

/** Measures in a laboratory and concludes; what would be kept, in full and in brief, must fit its schemas. */
export async function measureKept(
  nettest: Nettest,
  context: NettestContext,
  input: string | null,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Conclusion & { readonly seen: Seen }> {
  const seen = await nettest.measure(context, input, options)
  expect(v.safeParse(v.object(observations), seen.observations).issues).toBeUndefined()
  const conclusion = nettest.conclude(seen.observations, { ...good, lab: true }, { ...seen, input })
  expectKept(nettest, input, seen, conclusion)
  return { seen, ...conclusion }
}

/** Puts observations and conclusions through the envelope and through both levels of evidence. */
export function expectKept(
  { name, version }: Pick<Nettest, 'name' | 'version'>,
  input: string | null,
  seen: Seen,
  { keys, verdict, parts }: Conclusion,
): void {
  const over = { name, version, input, bytes: seen.bytes, keys, verdict, parts }
  const kept = measured(seen.observations, over)
  for (const each of [kept, withEvidence(kept, 'full'), withEvidence(kept, 'brief')])
    expect(faultsOf(each)).toEqual([])
}

/**
 * @returns Paths and sentences; empty for a measurement that is as the pages have it, after it was written and read.
 */
export function faultsOf(kept: Measurement): string[] {
  const read: Measurement = JSON.parse(JSON.stringify(kept))
  const { test_name, test_keys } = read
  const schema = testKeysOf[test_name] ?? v.never(`no schema for the test_keys of ${test_name}`)
  const issues = [
    ...(v.safeParse(measurement, read).issues ?? []),
    ...(v.safeParse(schema, test_keys).issues ?? []),
  ]
  const known = new Set(Object.keys({ ...testKeys.entries, ...ownTestKeys[test_name] }))
  const unknown = Object.keys(test_keys).filter((key) => !known.has(key))
  return [
    ...issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`),
    ...unknown.map((key) => `${key}: no schema knows it`),
  ]
}
