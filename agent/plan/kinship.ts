// Which entries of a list tend to be blocked together: what is of one owner, and services of one kind. Those are dealt to
// different rounds, so that a block of several is seen by the first round that comes; and when one of them changes, the
// others are looked at. A guess that costs nothing when it is wrong. Pure.

import { isIP } from 'node:net'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'

/** What tells one entry from another: two with other options are two. */
export const entryKey = ({ nettest, input, ...rest }: EntryName) =>
  JSON.stringify([nettest, input, rest.options ?? null])

export interface EntryName {
  readonly nettest: TestListEntry['nettest']
  readonly input: string | null
  readonly options?: unknown
}

/**
 * Owners whose services have several names, as of 2026; each is called by the last of them. All others go by the name that
 * they registered: telegram.org and the nettest `telegram` are of one owner without being named here.
 */
const oneOwner: readonly (readonly string[])[] = [
  ['facebook', 'facebook_messenger', 'messenger', 'instagram', 'threads', 'whatsapp', 'meta'],
  ['x', 'twitter'],
  ['torproject', 'tails', 'tor'],
  ['youtube', 'google'],
]

/** @returns A name that entries of one owner share. */
export function ownerOf({ nettest, input }: EntryName): string {
  const name = input === null ? nettest : registeredName(hostIn(input))
  return oneOwner.find((names) => names.includes(name))?.at(-1) ?? name
}

function hostIn(input: string): string {
  for (const text of [input, `tcp://${input}`])
    if (URL.canParse(text) && new URL(text).hostname !== '') return new URL(text).hostname
  return input
}

/** Second-level labels under which names are registered, as in co.uk and gouv.ml. */
const registries: ReadonlySet<string> = new Set(['ac', 'co', 'com', 'edu', 'gouv', 'gov', 'net', 'org'])

function registeredName(host: string): string {
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0) return host
  const labels = host.toLowerCase().split('.').filter(Boolean)
  const [name, second] = [labels.at(-2), labels.at(-3)]
  return (second !== undefined && registries.has(name ?? '') ? second : name) ?? host
}

/**
 * Kinds of services, by the Citizen Lab's codes, that were blocked in one evening again and again: where people talk, ways
 * around a block, and what they read. A code in none of them is a kind of its own.
 */
const oneKind: readonly (readonly string[])[] = [
  ['COMT', 'GRP', 'MMED', 'HOST', 'FILE', 'DATE'],
  ['ANON'],
  ['NEWS', 'POLR', 'HUMR', 'ELEC'],
]

/** @returns A name that categories share which tend to be blocked together. */
export function kindOf({ category_code }: Pick<TestListEntry, 'category_code'>): string {
  return oneKind.find((codes) => codes.includes(category_code))?.[0] ?? category_code
}
