// Nettests whose observations OONI's readers look for inside a part, and not in lists of the whole measurement: the targets
// of `tor`, the lookups of `dnscheck`, the two names of `sni_blocking`. plain-form.md §5 is the page. Pure.

import * as v from 'valibot'
import { bootstrapTag, lookupTag } from '../nettests/dnscheck.ts'
import { sniTags } from '../nettests/sni-blocking.ts'
import { targetTag } from '../nettests/tor.ts'
import { type Lists, listsWhere } from './lists.ts'
import { eventsOf } from './network-events.ts'

type Keys = Readonly<Record<string, unknown>>

/** Puts the lists where they belong. */
type Nest = (keys: Keys, own: Lists) => Keys

const nests: Readonly<Record<string, Nest>> = {
  tor: (keys, own) => ({ targets: eachPart(keys.targets, (id) => withTag(own, targetTag(id))) }),
  dnscheck: (keys, own) => ({
    bootstrap: part(keys.bootstrap, withTag(own, bootstrapTag)),
    lookups: eachPart(keys.lookups, (url) => withTag(own, lookupTag(url))),
  }),
  // Whom to connect to was looked up once, for both names.
  sni_blocking: (keys, own) => ({
    control: part(keys.control, { ...withTag(own, sniTags.control), queries: own.queries }),
    target: part(keys.target, { ...withTag(own, sniTags.target), queries: own.queries }),
  }),
}

/** @returns null for a nettest whose lists stay where they are. */
export function nested(nettest: string, keys: Keys, own: Lists): Keys | null {
  return Object.hasOwn(nests, nettest) ? (nests[nettest]?.(keys, own) ?? null) : null
}

/** Handshakes that were asked for once more are follow-ups, also where the nettest's own tag says so. */
export function isRepeatOf(nettest: string, tags: readonly string[]): boolean {
  return nettest === 'sni_blocking' && tags.includes(sniTags.again)
}

function withTag(lists: Lists, wanted: string): Lists {
  return listsWhere(lists, ({ tags }) => tags.includes(wanted))
}

const record = v.record(v.string(), v.unknown())

function part(found: unknown, lists: Lists): unknown {
  const known = v.safeParse(record, found)
  if (!known.success) return found
  const { networkEvents, transferEvents } = eventsOf(lists)
  return {
    ...known.output,
    ...lists,
    network_events: networkEvents,
    ...(transferEvents.length > 0 && { x_sonde_transfer_events: transferEvents }),
  }
}

function eachPart(found: unknown, listsOf: (name: string) => Lists): unknown {
  const known = v.safeParse(record, found)
  if (!known.success) return found
  return Object.fromEntries(
    Object.entries(known.output).map(([name, each]) => [name, part(each, listsOf(name))]),
  )
}
