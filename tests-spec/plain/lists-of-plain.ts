// The five lists as they were measured, put together again from where a plain form has them: for whoever judges from a plain
// form, and the proof that it leaves out nothing that a verdict rests on. plain-form.md §2 is the page. Pure.

import type { NetworkEvent } from '../data-formats/observation.ts'
import {
  followUpsKey,
  type Lists,
  listNames,
  otherResolversKey,
  seenWhileDownKey,
  transferEventsKey,
} from './lists.ts'
import type { PlainForm } from './plain-form.ts'
import { inOurWords } from './words.ts'

type Holder = Readonly<Record<string, unknown>>

/**
 * The test keys of a plain form with the lists of the kept one, in our words: what rules judge.
 *
 * Times order the entries; of those of one time, the target's own come first.
 */
export function measuredKeysOf({ test_keys }: PlainForm): Holder & Lists {
  const { [seenWhileDownKey]: seenWhileDown, ...around } = test_keys
  const keys = isHolder(seenWhileDown) ? { ...around, ...seenWhileDown } : around
  return { ...keys, ...listsOfPlain(keys) }
}

function listsOfPlain(keys: Holder): Lists {
  const holders = [keys, ...partsOf(keys), keys[otherResolversKey], keys[followUpsKey]].filter(isHolder)
  const all = holders.map(listsIn).map(asMeasured)
  const byTime = (a: { readonly t0: number }, b: { readonly t0: number }) => a.t0 - b.t0
  return inOurWords({
    queries: all.flatMap(({ queries }) => queries).sort(byTime),
    tcp_connect: all.flatMap(({ tcp_connect }) => tcp_connect).sort(byTime),
    tls_handshakes: all.flatMap(({ tls_handshakes }) => tls_handshakes).sort(byTime),
    requests: all.flatMap(({ requests }) => requests).sort((a, b) => b.t - a.t),
    network_events: all.flatMap(({ network_events }) => network_events).sort((a, b) => a.t - b.t),
  })
}

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Objects that hold lists of their own, and maps of such: §5. */
function partsOf({ bootstrap, lookups, targets, control, target }: Holder): unknown[] {
  const inside = [lookups, targets].filter(isHolder).flatMap((map) => Object.values(map))
  // Whom `sni_blocking` connects to was looked up once, and stands in both.
  return [bootstrap, ...inside, control, isHolder(target) ? { ...target, queries: [] } : target]
}

/** @returns The lists of one place, with its transfer events. A control's maps of the same names are none. */
function listsIn(holder: Holder): Lists {
  const list = <T>(name: string): readonly T[] => (Array.isArray(holder[name]) ? (holder[name] as T[]) : [])
  const lists = Object.fromEntries(listNames.map((name) => [name, list(name)])) as unknown as Lists
  return { ...lists, network_events: measuredEvents(lists, list(transferEventsKey)) }
}

/** Without the events that §3 makes of connects and handshakes. */
function measuredEvents(
  { tcp_connect, tls_handshakes, network_events }: Lists,
  transfer: readonly NetworkEvent[],
) {
  const connects = new Set(tcp_connect.map((each) => each.transaction_id))
  const shaken = new Set(tls_handshakes.map((each) => each.transaction_id))
  const isMade = ({ operation, transaction_id: id }: NetworkEvent) =>
    shaken.has(id) || (operation === 'connect' && connects.has(id))
  return [...network_events.filter((event) => !isMade(event)), ...transfer]
}

/** Without copies of lookups, and without attempts at which nothing was sent. */
function asMeasured(lists: Lists): Lists {
  return {
    ...lists,
    queries: lists.queries.filter((query) => query.x_sonde_copy !== true),
    requests: lists.requests.filter((request) => request.x_sonde_not_sent !== true),
  }
}
