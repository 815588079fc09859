// What a repository of lists becomes when something new is given to it, and when it grows old. Pure: what is given goes through
// the workflow of a client, beside a snapshot and a timestamp that are signed for it, and only what a device would take comes out
// (tests-spec/lists/metadata.md).

import { createHash } from 'node:crypto'
import {
  expiryAfter,
  type Named,
  named,
  newSnapshot,
  newTimestamp,
  signedFile,
} from '../../tests-spec/lists/tuf/author.ts'
import {
  type Answer,
  type Ask,
  fetchTarget,
  findTarget,
  refresh,
  refreshEveryRole,
} from '../../tests-spec/lists/tuf/client-workflow.ts'
import { metadataName, targetName } from '../../tests-spec/lists/tuf/paths.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import {
  deviceLimits,
  openTrusted,
  type Terms,
  type TrustedSet,
} from '../../tests-spec/lists/tuf/trusted-set.ts'
import { fileName, newestByRole, walkThrough } from '../../tests-spec/lists/tuf/walk.ts'
import type { OnlineKeys } from './online-keys.ts'

export type Files = ReadonlyMap<string, Uint8Array>

export interface Repository {
  readonly set: TrustedSet
  /**
   * By name, as a mirror serves them: every root, what is published, and what was before it, for a device that has begun to fetch
   * that.
   */
  readonly files: Files
}

/** A device's own, so that nothing is published that devices refuse; a collector walks all roots at once. */
const limits = { ...deviceLimits, rootsPerRefresh: 1_024 }
/** Renewed when so much of its life is left: each week, so that devices have three more to hear of it. */
const renewTimestampMs = 23 * 86_400_000
const renewSnapshotMs = 30 * 86_400_000

const termsAt = (effectiveMs: number): Terms => ({ effectiveMs, limits, floor: new Map() })

/**
 * What was published before, verified again; what has expired is opened all the same.
 *
 * @param files - Empty when nothing was published yet.
 * @throws {Refused} When it does not stand by this root.
 */
export function openRepository(root: Uint8Array, files: Files): Repository {
  const trusted = openTrusted(root)
  const own = new Map(files).set(fileOf('root', trusted.root.signed.version), root)
  if (!own.has(timestampFile)) return { set: trusted, files: own }
  const { set, refusal } = walkThrough(refresh(trusted, termsAt(0)), from(own))
  if (refusal !== null) throw refusal
  return { set: walkThrough(refreshEveryRole(set, termsAt(0)), from(own)).set, files: own }
}

/**
 * @param given - A repository as somebody sent it, or what is new of one. Its snapshot and timestamp are not looked at.
 * @param nowMs - Milliseconds since 1970.
 * @returns The same repository when there is nothing new in it.
 * @throws {Refused} When a device would not take it.
 */
export function withGiven(old: Repository, given: Files, keys: OnlineKeys, nowMs: number): Repository {
  const news = newsIn(old, given)
  if (news === null) return old
  const meta = new Map(metaOf(old.set))
  for (const [role, { version, bytes }] of news) meta.set(role, named(bytes, version))
  const made = signedState(old.set, meta, keys, nowMs)
  const all: Files = new Map([...old.files, ...given, ...made])
  const terms = termsAt(nowMs)
  const { set, refusal } = walkThrough(refresh(old.set, terms), from(all))
  if (refusal !== null) throw refusal
  const every = walkThrough(refreshEveryRole(set, terms), from(all))
  for (const [role, { bytes }] of news) {
    // An expired list of one group, which nobody sent, holds up no other.
    const refused = every.refusals.get(role)
    if (refused !== undefined) throw refused
    if (every.set.targets.get(role)?.bytes !== bytes)
      throw new Refused('mix_and_match', '5.6.7', `No delegation names the role ${role}`)
    requireTargets(every.set, role, terms, all)
  }
  return { set: every.set, files: kept(old, every.set, all, made) }
}

/**
 * Signs anew what would expire soon.
 * @returns null when there is nothing to do.
 * @throws {Refused} When a device would not take it.
 */
export function renewed(old: Repository, keys: OnlineKeys, nowMs: number): Repository | null {
  const { timestamp, snapshot } = old.set
  if (timestamp === null || snapshot === null) return null
  const isSnapshotOld = snapshot.signed.expiresMs - nowMs < renewSnapshotMs
  if (!isSnapshotOld && timestamp.signed.expiresMs - nowMs >= renewTimestampMs) return null
  const made = isSnapshotOld
    ? signedState(old.set, metaOf(old.set), keys, nowMs)
    : signedTimestamp(old.set, named(snapshot.bytes, snapshot.signed.version), keys, nowMs)
  const all: Files = new Map([...old.files, ...made])
  const { set, refusal } = walkThrough(refresh(old.set, termsAt(nowMs)), from(all))
  // Targets that have expired wait for their holders; who serves them can still say that they are the newest.
  const isTaken = set.timestamp !== timestamp && (!isSnapshotOld || set.snapshot !== snapshot)
  if (refusal !== null && !isTaken) throw refusal
  return { set, files: kept(old, set, all, made) }
}

/** By role; empty before the first. */
export function versionsOf({ set }: Repository): ReadonlyMap<string, number> {
  const { root, timestamp, snapshot } = set
  return new Map([
    ['root', root.signed.version],
    ...(timestamp === null ? [] : [['timestamp', timestamp.signed.version] as const]),
    ...(snapshot === null ? [] : [['snapshot', snapshot.signed.version] as const]),
    ...[...(snapshot?.signed.meta ?? [])].map(([role, { version }]) => [role, version] as const),
  ])
}

const timestampFile = 'metadata/timestamp.json'

/** @returns What is newer than what is published, by role; null when nothing is, root included. */
function newsIn(old: Repository, given: Files) {
  const news = new Map<string, { version: number; bytes: Uint8Array }>()
  let older: string | null = null
  let isRootNew = false
  for (const [name, bytes] of given) {
    const own = name.endsWith('.root.json') ? old.files.get(name) : undefined
    if (own !== undefined && !isSame(own, bytes))
      throw new Refused('key_substitution', '5.3.4', 'These lists have another root of trust')
  }
  for (const [role, file] of newestByRole(given)) {
    if (role === 'timestamp' || role === 'snapshot') continue
    const isRoot = role === 'root'
    const version = isRoot ? old.set.root.signed.version : (metaOf(old.set).get(role)?.version ?? 0)
    if (file.version > version) {
      if (isRoot) isRootNew = true
      else news.set(role, file)
    } else if (file.version < version) older = role
    else if (!isRoot && !isSame(file.bytes, old.files.get(fileOf(role, version)) ?? new Uint8Array()))
      throw new Refused(
        'mix_and_match',
        '5.6.4',
        `Version ${version} of ${role} is out, and says something else`,
      )
  }
  if (news.size > 0 || isRootNew) return news
  // What was sent is what was in force once: a mistake, or somebody who wants it back.
  if (older !== null) throw new Refused('rollback', '5.5.5', `A newer version of ${older} is out`)
  return null
}

/** Every path of a role must be its own, and its content must be there. Devices pass over a foreign path; nobody wants one out. */
function requireTargets(set: TrustedSet, role: string, terms: Terms, all: Files): void {
  for (const [path, target] of set.targets.get(role)?.signed.targets ?? []) {
    const { search } = walkThrough(findTarget(set, path, terms), from(all))
    if (search.kind === 'refused') throw search.refusal
    if (search.kind !== 'found' || search.chain.at(-1) !== role)
      throw new Refused('foreign_path', '5.6.7', `${role} may not speak of ${path}`)
    const content = walkThrough(fetchTarget(set, path, target, terms), from(all))
    if (content instanceof Refused) throw content
  }
}

/** A snapshot of these files, and a timestamp of it. */
function signedState(
  set: TrustedSet,
  meta: ReadonlyMap<string, Named>,
  keys: OnlineKeys,
  nowMs: number,
): Files {
  if (!meta.has('targets')) throw new Refused('freeze', '5.6.1', 'There is no file of targets')
  const version = (set.snapshot?.signed.version ?? 0) + 1
  const content = newSnapshot({ version, expiresMs: expiryAfter(nowMs, 'snapshot') }, meta)
  const snapshot = signedFile('snapshot', content, [keys.snapshot])
  return new Map([
    [fileOf('snapshot', version), snapshot],
    ...signedTimestamp(set, named(snapshot, version), keys, nowMs),
  ])
}

function signedTimestamp(set: TrustedSet, snapshot: Named, keys: OnlineKeys, nowMs: number): Files {
  const version = (set.timestamp?.signed.version ?? 0) + 1
  const content = newTimestamp({ version, expiresMs: expiryAfter(nowMs, 'timestamp') }, snapshot)
  return new Map([[timestampFile, signedFile('timestamp', content, [keys.timestamp])]])
}

/** What snapshot lists; what it once listed stays listed. */
function metaOf({ snapshot }: TrustedSet): ReadonlyMap<string, Named> {
  return new Map(
    [...(snapshot?.signed.meta ?? [])].map(([role, { version, length, hashes }]) => [
      role,
      { version, length: length ?? 0, sha256: hashes?.get('sha256') ?? '' },
    ]),
  )
}

/** What stays of all files: those of the new state and of the one before, and every root up to the one that is trusted. */
function kept(old: Repository, set: TrustedSet, all: Files, made: Files): Files {
  const names = new Set([...made.keys(), ...namesOf(set), ...namesOf(old.set), timestampFile])
  for (let version = 1; version <= set.root.signed.version; version++) names.add(fileOf('root', version))
  return new Map([...names].flatMap((name) => (all.has(name) ? [[name, all.get(name) as Uint8Array]] : [])))
}

function namesOf(set: TrustedSet): string[] {
  if (set.snapshot === null) return []
  const reachable = new Set(['targets'])
  const names = [fileOf('snapshot', set.snapshot.signed.version)]
  for (const role of reachable) {
    const targets = set.targets.get(role)?.signed
    if (targets === undefined) continue
    for (const { name } of targets.delegations) reachable.add(name)
    names.push(fileOf(role, targets.version))
    for (const [path, { hashes }] of targets.targets)
      names.push(`targets/${targetName(path, hashes.get('sha256') ?? hashes.get('sha512') ?? null)}`)
  }
  return names
}

function from(files: Files): (ask: Ask) => Answer {
  return (ask) => files.get(fileName(ask)) ?? 'not_found'
}

function fileOf(role: string, version: number): string {
  return `metadata/${metadataName(role, version)}`
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return sha256Of(a) === sha256Of(b)
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
