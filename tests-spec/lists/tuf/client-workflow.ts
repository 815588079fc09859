// The client workflow of the TUF specification 1.0.34, section 5, in its order and with its numbers;
// tests-spec/lists/metadata.md is the page. It decides and does nothing else: no clock, no disk, no network. Each step
// asks for a file by yielding, is sent the answer, and gives back what is trusted now, role by role as far as it came,
// and why it went no further.
//
// Parties: root and targets are signed by offline keys, two of three; groups by one key each, for their paths alone;
// snapshot and timestamp by online keys, which can name versions and say nothing else. Mirrors and networks sign nothing.

import { createHash } from 'node:crypto'
import {
  type Delegation,
  type FileMeta,
  type Hashes,
  type Keys,
  type Metadata,
  type Role,
  readMetadata,
  type TargetFile,
  type Targets,
  topRoles,
} from './metadata.ts'
import { isSafePath, matchesPattern, metadataName, targetName } from './paths.ts'
import { type RefusalCode, Refused } from './refusal.ts'
import { isSigned, requireSigned } from './signatures.ts'
import { keysLost, type Terms, type TrustedSet, withFormer } from './trusted-set.ts'

export interface Ask {
  readonly kind: 'metadata' | 'target'
  /** As the repository names it. In metadata's, the name of a role is percent-encoded whole; a target's is a path. */
  readonly name: string
  /** An answer that is longer is `too_long`, and need not be read to its end. */
  readonly maxBytes: number
}

export type Answer = Uint8Array | 'not_found' | 'too_long' | 'unreachable'

type Steps<Result> = Generator<Ask, Result, Answer>

export interface Outcome {
  readonly set: TrustedSet
  /** null when the whole cycle went through. */
  readonly refusal: Refused | null
}

/** One update cycle for the four top roles: 5.3 to 5.6.6. */
export function* refresh(kept: TrustedSet, terms: Terms): Steps<Outcome> {
  let set = kept
  try {
    for (let walked = 0; walked < terms.limits.rootsPerRefresh; walked++) {
      const next = yield* nextRoot(set, terms)
      if (next === null) break
      set = next
    }
    requireFloor(set.root.signed.version, 'root', terms, '5.3.5')
    requireFresh(set.root, terms, '5.3.10')
    set = yield* updateTimestamp(set, terms)
    set = yield* updateSnapshot(set, terms)
    set = (yield* updateTargets(set, terms)).set
    return { set, refusal: null }
  } catch (error) {
    if (error instanceof Refused) return { set, refusal: error }
    throw error
  }
}

/** 5.3.2 to 5.3.9, and 5.3.11. @returns null when there is no newer root. */
function* nextRoot(set: TrustedSet, { limits }: Terms): Steps<TrustedSet | null> {
  const trusted = set.root.signed
  const answer = yield {
    kind: 'metadata',
    name: metadataName('root', trusted.version + 1),
    maxBytes: limits.root,
  }
  // 5.3.3: the one file that need not be there.
  if (answer === 'not_found') return null
  const next = readMetadata(received(answer, '5.3.3'), 'root')
  const { roles, version } = next.signed
  // 5.3.4: a root of somebody else's. The old keys hand over, and the new ones show that they exist.
  requireSigned(next, trusted.roles.root, othersOf(set, trusted.keys), '5.3.4')
  requireSigned(
    next,
    roles.root,
    { former: trusted.keys, beside: next.signed.keys, root: next.signed.keys },
    '5.3.4',
  )
  // 5.3.5: rollback. Exactly the next one, so that none that takes a key out can be passed over.
  if (version !== trusted.version + 1)
    throw new Refused('rollback', '5.3.5', `Root ${version} is not the next one`)
  // 5.3.11: fast-forward. A thief of an online key may have run its versions up; with the key they go. Done here and not
  // behind 5.3.10, so that a cycle that ends between does not forget it.
  const gone = topRoles.map((name) => keysLost(trusted.roles[name], roles[name]))
  const isRotated = topRoles.some(
    (name, i) => (name === 'timestamp' || name === 'snapshot') && gone[i]?.length !== 0,
  )
  const former = withFormer(set.former, gone.flat())
  // 5.3.7. That it may have expired does not matter yet (5.3.6).
  return { ...set, root: next, former, ...(isRotated && { timestamp: null, snapshot: null }) }
}

/** 5.4. */
function* updateTimestamp(set: TrustedSet, terms: Terms): Steps<TrustedSet> {
  const { root, timestamp: trusted } = set
  const answer = yield { kind: 'metadata', name: 'timestamp.json', maxBytes: terms.limits.timestamp }
  const timestamp = readMetadata(received(answer, '5.4.1'), 'timestamp')
  // 5.4.2: anything that is not the timestamp key's.
  requireSigned(timestamp, root.signed.roles.timestamp, othersOf(set, root.signed.keys), '5.4.2')
  const { version, snapshot } = timestamp.signed
  // 5.4.3.1: rollback to an older state of everything.
  requireFloor(version, 'timestamp', terms, '5.4.3.1')
  if (trusted !== null) {
    requireAtLeast(version, trusted.signed.version, 'Timestamp', '5.4.3.1')
    if (version === trusted.signed.version && isSigned(trusted, root.signed.roles.timestamp)) {
      requireFresh(trusted, terms, '5.4.4')
      return set
    }
    // 5.4.3.2: rollback of snapshot, by whoever holds timestamp's key alone.
    requireAtLeast(snapshot.version, trusted.signed.snapshot.version, 'Snapshot', '5.4.3.2')
  }
  requireFloor(snapshot.version, 'snapshot', terms, '5.4.3.2')
  // 5.4.4: freeze. A mirror that shows the last state for ever.
  requireFresh(timestamp, terms, '5.4.4')
  return { ...set, timestamp }
}

/** 5.5. */
function* updateSnapshot(set: TrustedSet, terms: Terms): Steps<TrustedSet> {
  const { root, timestamp, snapshot: trusted } = set
  const meta = there(timestamp).signed.snapshot
  if (trusted !== null && isAsNamed(trusted, meta) && isSigned(trusted, root.signed.roles.snapshot)) {
    requireFresh(trusted, terms, '5.5.6')
    return set
  }
  const bytes = yield* download(set, 'snapshot', meta, terms.limits.snapshot, '5.5')
  const snapshot = readMetadata(bytes, 'snapshot')
  requireSigned(snapshot, root.signed.roles.snapshot, othersOf(set, root.signed.keys), '5.5.3')
  requireVersion(snapshot, meta, '5.5.4')
  // 5.5.5: rollback of any list, also of one that this device never asked for; what was listed stays listed.
  for (const [name, { version }] of trusted?.signed.meta ?? []) {
    const now = snapshot.signed.meta.get(name)
    requireAtLeast(now?.version ?? 0, version, name, '5.5.5')
  }
  for (const [name, { version }] of snapshot.signed.meta)
    if (name === 'targets' || !topRoles.some((top) => top === name))
      requireFloor(version, name, terms, '5.5.5')
  requireFresh(snapshot, terms, '5.5.6')
  return { ...set, snapshot }
}

/** 5.6.1 to 5.6.6. */
function* updateTargets(set: TrustedSet, terms: Terms): Steps<Found> {
  const { roles, keys } = set.root.signed
  return yield* updateRole(set, terms, { name: 'targets', role: roles.targets, keys, at: '5.6' })
}

interface Found {
  readonly set: TrustedSet
  readonly targets: Metadata<Targets>
}

interface Delegated {
  readonly name: string
  readonly role: Role
  /** All keys that the delegator knows. */
  readonly keys: Keys
  /** Section of the workflow: `5.6` for the top role, with a number behind it; `5.6.7` for all others, as it stands. */
  readonly at: string
}

/** The steps of 5.6, for `targets` and for each role below it. */
function* updateRole(set: TrustedSet, terms: Terms, { name, role, keys, at }: Delegated): Steps<Found> {
  const step = (number: number) => (at === '5.6' ? `5.6.${number}` : at)
  const meta = there(set.snapshot).signed.meta.get(name)
  // A role that snapshot does not list could be of any version.
  if (meta === undefined) throw new Refused('mix_and_match', at, `Snapshot does not list ${name}`)
  const trusted = set.targets.get(name)
  // Kept files are looked at anew: the delegator may have taken the key out since, or may be another.
  if (trusted !== undefined && isAsNamed(trusted, meta) && isSigned(trusted, role)) {
    requireFresh(trusted, terms, step(5))
    return { set, targets: trusted }
  }
  const limit = at === '5.6' ? terms.limits.targets : terms.limits.group
  const bytes = yield* download(set, name, meta, limit, at)
  const targets = readMetadata(bytes, 'targets')
  requireSigned(targets, role, othersOf(set, keys), step(3))
  requireVersion(targets, meta, step(4))
  requireFresh(targets, terms, step(5))
  const gone = (trusted?.signed.delegations ?? []).flatMap((old) =>
    keysLost(
      old,
      targets.signed.delegations.find((each) => each.name === old.name),
    ),
  )
  const after = {
    ...set,
    targets: new Map(set.targets).set(name, targets),
    former: withFormer(set.former, gone),
  }
  return { set: after, targets }
}

/** What became of the search for one target. */
export type Search =
  | {
      readonly kind: 'found'
      readonly target: TargetFile
      /** Roles that vouch for it, `targets` first. */
      readonly chain: readonly string[]
    }
  /** Every role that may speak of it was asked. `complete` is false when there were more than may be visited. */
  | { readonly kind: 'no_such_target'; readonly complete: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refused }

/**
 * 5.6.7: looks for a target, depth first, in the order of delegations. To be called after a `refresh` that went through.
 * What cannot be had or verified on the way ends the search: the word of a later role must not take its place.
 *
 * @param refusals - Of roles that were refused in this cycle, which are not asked for again.
 */
export function* findTarget(
  kept: TrustedSet,
  path: string,
  terms: Terms,
  refusals: ReadonlyMap<string, Refused> = new Map(),
): Steps<{ readonly set: TrustedSet; readonly search: Search }> {
  let set = kept
  const refused = (refusal: Refused) => ({ set, search: { kind: 'refused', refusal } as const })
  // 4.5: before any request or file name is made of it.
  if (!isSafePath(path))
    return refused(new Refused('path_traversal', '4.5', 'A target has a name that is no path'))
  const visited = new Set<string>()
  const { roles, keys } = set.root.signed
  const stack: (Delegated & { readonly chain: readonly string[] })[] = [
    { name: 'targets', role: roles.targets, keys, at: '5.6', chain: [] },
  ]
  try {
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      // 5.6.7.1: circles, and graphs without end.
      if (visited.has(next.name)) continue
      if (visited.size >= terms.limits.rolesVisited)
        return { set, search: { kind: 'no_such_target', complete: false } }
      visited.add(next.name)
      const known = refusals.get(next.name)
      if (known !== undefined) return refused(known)
      const found = yield* updateRole(set, terms, next)
      set = found.set
      const chain = [...next.chain, next.name]
      const { targets, delegations, keys: below } = found.targets.signed
      const target = targets.get(path)
      if (target !== undefined) return { set, search: { kind: 'found', target, chain } }
      // 5.6.7.2, and 4.5: a role is asked only about paths that it and all above it may speak of.
      const matching = delegations.filter(({ paths }) =>
        paths.some((pattern) => matchesPattern(path, pattern)),
      )
      const last = matching.findIndex(({ terminating }) => terminating)
      // 5.6.7.2.1: a terminating delegation ends the whole search, not its branch alone.
      if (last >= 0) stack.length = 0
      const asked = last >= 0 ? matching.slice(0, last + 1) : matching
      for (const role of asked.toReversed())
        stack.push({ name: role.name, role, keys: below, at: '5.6.7', chain })
    }
    return { set, search: { kind: 'no_such_target', complete: true } }
  } catch (error) {
    if (error instanceof Refused) return refused(error)
    throw error
  }
}

/**
 * Fetches what has changed of every role, whether or not this device measures its list: a mirror that sees which are
 * asked for would learn which group the device is in. A role that is refused holds up no other.
 */
export function* refreshEveryRole(
  kept: TrustedSet,
  terms: Terms,
): Steps<{ readonly set: TrustedSet; readonly refusals: ReadonlyMap<string, Refused> }> {
  let set = kept
  const refusals = new Map<string, Refused>()
  const seen = new Set<string>(['targets'])
  const below = (metadata: Metadata<Targets> | undefined) => {
    const { delegations = [], keys = new Map() } = metadata?.signed ?? {}
    return delegations.map((role: Delegation) => ({ name: role.name, role, keys, at: '5.6.7' }))
  }
  const waiting = below(set.targets.get('targets'))
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (seen.has(next.name)) continue
    if (seen.size >= terms.limits.rolesVisited) break
    seen.add(next.name)
    try {
      const found = yield* updateRole(set, terms, next)
      set = found.set
      waiting.push(...below(found.targets))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      refusals.set(next.name, error)
    }
  }
  return { set, refusals }
}

/**
 * 5.7.3.
 * @returns The content, exactly as it was signed for, or why not.
 */
export function* fetchTarget(
  { root }: TrustedSet,
  path: string,
  { length, hashes }: TargetFile,
  { limits }: Terms,
): Steps<Uint8Array | Refused> {
  try {
    // Declared is not affordable.
    if (length > limits.targetFile) throw new Refused('endless_data', '5.7.3', `A target of ${length} bytes`)
    const hash = hashes.get('sha256') ?? hashes.get('sha512')
    if (hash === undefined) throw new Refused('tampering', '5.7.3', 'A target has no hash that is known here')
    const name = targetName(path, root.signed.consistentSnapshot ? hash : null)
    const bytes = received(yield { kind: 'target', name, maxBytes: length }, '5.7.3')
    if (bytes.length !== length)
      throw new Refused('wrong_length', '5.7.3', `A target has ${bytes.length} bytes of ${length}`)
    if (!hasHashes(bytes, hashes))
      throw new Refused('tampering', '5.7.3', 'A target is not what was signed for')
    return bytes
  } catch (error) {
    if (error instanceof Refused) return error
    throw error
  }
}

/** Whether bytes are what a target's metadata speak of, so that they need not be fetched again. */
export function isContentOf(bytes: Uint8Array, { length, hashes }: TargetFile): boolean {
  return bytes.length === length && hasHashes(bytes, hashes)
}

/** 5.5.1 and 5.5.2, 5.6.1 and 5.6.2: the very file that the role above names. */
function* download(
  set: TrustedSet,
  name: string,
  meta: FileMeta,
  limit: number,
  at: string,
): Steps<Uint8Array> {
  const step = (number: number) => (at === '5.6.7' ? at : `${at}.${number}`)
  const version = set.root.signed.consistentSnapshot ? meta.version : null
  // The lesser of what is declared and what is affordable: online keys are the easiest to steal.
  const maxBytes = Math.min(meta.length ?? limit, limit)
  const bytes = received(yield { kind: 'metadata', name: metadataName(name, version), maxBytes }, step(1))
  // Mix-and-match: files of several states, each properly signed, put together as one that never was.
  if (!fits(bytes, meta)) throw new Refused('mix_and_match', step(2), `${name} is not the file that is named`)
  return bytes
}

/** Whether a kept file is the one that the role above names. */
function isAsNamed({ bytes, signed }: Metadata<{ readonly version: number }>, meta: FileMeta): boolean {
  return signed.version === meta.version && fits(bytes, meta)
}

function fits(bytes: Uint8Array, { length, hashes }: FileMeta): boolean {
  return (length === null || bytes.length === length) && (hashes === null || hasHashes(bytes, hashes))
}

/** Every hash whose function is known here counts, and one of them must be there. */
function hasHashes(bytes: Uint8Array, hashes: Hashes): boolean {
  const known = [...hashes].filter(([name]) => name === 'sha256' || name === 'sha512')
  return (
    known.length > 0 && known.every(([name, hex]) => createHash(name).update(bytes).digest('hex') === hex)
  )
}

/** @throws {Refused} Unless there are bytes. */
function received(answer: Answer, at: string): Uint8Array {
  if (typeof answer !== 'string') return answer
  const codes: Readonly<Record<typeof answer, RefusalCode>> = {
    // What is named and withheld keeps the device where it is.
    not_found: 'freeze',
    too_long: 'endless_data',
    unreachable: 'unreachable',
  }
  throw new Refused(codes[answer], at, `A file could not be had: ${answer}`)
}

function requireFresh(
  { signed }: Metadata<{ readonly expiresMs: number }>,
  { effectiveMs }: Terms,
  at: string,
): void {
  if (signed.expiresMs <= effectiveMs)
    throw new Refused('freeze', at, `It has expired, on ${new Date(signed.expiresMs).toISOString()}`)
}

function requireVersion(
  { signed }: Metadata<{ readonly version: number }>,
  meta: FileMeta,
  at: string,
): void {
  if (signed.version !== meta.version)
    throw new Refused('mix_and_match', at, `It has version ${signed.version}, where ${meta.version} is named`)
}

function requireFloor(version: number, name: string, { floor }: Terms, at: string): void {
  requireAtLeast(version, floor.get(name) ?? 0, name, at)
}

function requireAtLeast(version: number, least: number, name: string, at: string): void {
  if (version < least)
    throw new Refused('rollback', at, `${name} has version ${version}, where ${least} was seen`)
}

function othersOf({ former, root }: TrustedSet, beside: Keys) {
  return { former, beside, root: root.signed.keys }
}

/** Steps come in their order: what one needs, the one before has brought. */
function there<T>(metadata: T | null): T {
  if (metadata === null) throw new TypeError('Cannot go on without a refresh that went through')
  return metadata
}
