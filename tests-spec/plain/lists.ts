// Whose observation is whose: a measurement's five lists, shared out between the target as OONI's readers mean it, what
// other resolvers led to, and what was asked once more to understand a failure. plain-form.md §2 is the page. Pure.

import type { Observations } from '../data-formats/observation.ts'
import { classicTag } from '../nettests/failed-step.ts'

export type ListName = 'queries' | 'tcp_connect' | 'tls_handshakes' | 'requests' | 'network_events'
/** The five lists and nothing beside them. */
export type Lists = Pick<Observations, ListName>

export const listNames: readonly ListName[] = [
  'queries',
  'tcp_connect',
  'tls_handshakes',
  'requests',
  'network_events',
]

/** Keys of the plain form for what no list of OONI's holds. */
export const otherResolversKey = 'x_sonde_other_resolvers'
export const followUpsKey = 'x_sonde_follow_ups'
export const transferEventsKey = 'x_sonde_transfer_events'
export const seenWhileDownKey = 'x_sonde_seen_while_down'

export const noLists: Lists = {
  queries: [],
  tcp_connect: [],
  tls_handshakes: [],
  requests: [],
  network_events: [],
}

interface Tagged {
  readonly tags: readonly string[]
}

/** Those that `has` holds for, in their order. */
export function listsWhere(lists: Lists, has: (each: Tagged) => boolean): Lists {
  return {
    queries: lists.queries.filter(has),
    tcp_connect: lists.tcp_connect.filter(has),
    tls_handshakes: lists.tls_handshakes.filter(has),
    requests: lists.requests.filter(has),
    network_events: lists.network_events.filter(has),
  }
}

export function hasAny(lists: Lists): boolean {
  return listNames.some((name) => lists[name].length > 0)
}

/** Joined in the order given; `requests` newest first, as OONI has it. */
export function joinLists(all: readonly Lists[]): Lists {
  return {
    queries: all.flatMap((each) => each.queries),
    tcp_connect: all.flatMap((each) => each.tcp_connect),
    tls_handshakes: all.flatMap((each) => each.tls_handshakes),
    requests: all.flatMap((each) => each.requests).sort((a, b) => b.t - a.t),
    network_events: all.flatMap((each) => each.network_events),
  }
}

export interface Shares {
  /** What the system's resolver led to, or the input itself: what people on this link use, and OONI's lists hold. */
  readonly own: Lists
  /** What resolvers led to that the nettest named itself. */
  readonly otherResolvers: Lists
  /** The same target under another name, the same name elsewhere, another page for its speed. */
  readonly followUps: Lists
}

const isFollowUp = ({ tags }: Tagged) => tags.some((tag) => tag.startsWith('followup='))
const isClassic = ({ tags }: Tagged) => tags.includes(classicTag)

/**
 * Shares out the lists of a measurement.
 *
 * Where no name was looked up there is no other resolver, and where nothing carries the tag of the system's resolver
 * nobody compared it with another: then all is the target's own.
 */
export function shareOut(lists: Lists): Shares {
  const followUps = listsWhere(lists, isFollowUp)
  const rest = listsWhere(lists, (each) => !isFollowUp(each))
  const compared = rest.queries.length > 0 && listNames.some((name) => rest[name].some(isClassic))
  if (!compared) return { own: rest, otherResolvers: noLists, followUps }
  return {
    own: listsWhere(rest, isClassic),
    otherResolvers: listsWhere(rest, (each) => !isClassic(each)),
    followUps,
  }
}
