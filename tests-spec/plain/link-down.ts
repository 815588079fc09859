// What was measured while the link was down, so that no reader takes it for a finding about a target. plain-form.md §7 is the
// page. Pure.

import type { Measurement } from '../data-formats/measurement.ts'
import {
  followUpsKey,
  type ListName,
  listNames,
  otherResolversKey,
  seenWhileDownKey,
  transferEventsKey,
} from './lists.ts'

type Keys = Readonly<Record<string, unknown>>

/** What was seen, under our own keys. */
const seenBeside: readonly string[] = [otherResolversKey, followUpsKey, transferEventsKey]
/** What no stock tool looks at stays where it is; but what was seen is all in one place. */
const stays = (key: string) => key.startsWith('x_sonde_') && !seenBeside.includes(key)

/**
 * Puts everything that was seen under one key of ours, and leaves OONI's keys there and empty: null where they were a value,
 * without entries where they were a list or a map.
 */
export function withoutFindings(keys: Keys): Keys {
  const moved = Object.entries(keys).filter(([key]) => !stays(key))
  const emptied = moved.flatMap(([key, value]) =>
    seenBeside.includes(key) ? [] : [[key, emptyOf(key, value)] as const],
  )
  return {
    ...Object.fromEntries([...emptied, ...Object.entries(keys).filter(([key]) => stays(key))]),
    [seenWhileDownKey]: Object.fromEntries(moved),
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
