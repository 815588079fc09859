// What was measured while the link was down, so that no reader takes it for a finding about a target. plain-form.md §7 is the
// page. Pure.

import type { Measurement } from '../data-formats/measurement.ts'
import { type ListName, listNames } from './lists.ts'

type Keys = Readonly<Record<string, unknown>>

/** Beside the lists, which test keys belong to every measurement and say nothing of the target. */
const isOfEvery = (key: string) => key.startsWith('x_sonde_')

/**
 * Puts everything that was seen under one key of ours, and leaves OONI's keys there and empty: null where they were a value,
 * without entries where they were a list or a map.
 */
export function withoutFindings(keys: Keys): Keys {
  const theirs = Object.entries(keys).filter(([key]) => !isOfEvery(key))
  const ours = Object.entries(keys).filter(([key]) => isOfEvery(key))
  const emptied = theirs.map(([key, value]) => [key, emptyOf(key, value)] as const)
  return {
    ...Object.fromEntries([...emptied, ...ours]),
    x_sonde_seen_while_down: Object.fromEntries(theirs),
  }
}

function emptyOf(key: string, value: unknown): unknown {
  if (listNames.includes(key as ListName) || Array.isArray(value)) return []
  // Of these maps a reader wants the keys, and of the others that they are there or null.
  if (key === 'targets' || key === 'lookups') return {}
  return null
}

/**
 * OONI's scoring takes `telegram` without observations for blocked, and one request that names no URL for a measurement
 * that could not be made, which is what this is.
 */
export function unaskedRequests(test_name: Measurement['test_name']): readonly object[] {
  if (test_name !== 'telegram') return []
  return [{ failure: 'interrupted', request: {}, response: null, t0: 0, t: 0, tags: [], transaction_id: 0 }]
}
