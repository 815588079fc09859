// What is trusted of a repository, how it is read again from what was kept of it (specification 5.2), and what limits
// the workflow is given.

import {
  type Keys,
  type Metadata,
  type Role,
  type Root,
  readMetadata,
  type Snapshot,
  type Targets,
  type Timestamp,
  type TopRole,
} from './metadata.ts'
import { Refused } from './refusal.ts'
import { isSigned } from './signatures.ts'

/** What is trusted of one repository. Steps return another; none changes one. */
export interface TrustedSet {
  readonly root: Metadata<Root>
  /** null before the first, and after its key or snapshot's was taken out. */
  readonly timestamp: Metadata<Timestamp> | null
  readonly snapshot: Metadata<Snapshot> | null
  /**
   * By name of the role, `targets` among them. A role's file is trusted from one delegator at a time: its signatures are
   * looked at whenever it is used.
   */
  readonly targets: ReadonlyMap<string, Metadata<Targets>>
  /** Keys that a role once had and has no more, the newest last: whoever uses one of them has stolen or kept it. */
  readonly former: Keys
}

export interface Limits {
  /** Bytes, whatever is declared; so with the next four. */
  readonly root: number
  readonly timestamp: number
  readonly snapshot: number
  readonly targets: number
  /** Of a role below `targets`: every device fetches every group's, and one stolen key must not empty their bundles. */
  readonly group: number
  /** Bytes of a target, whatever is declared. */
  readonly targetFile: number
  readonly rootsPerRefresh: number
  /** In one search, `targets` among them. */
  readonly rolesVisited: number
}

/** What a device affords (tests-spec/lists/metadata.md §3). */
export const deviceLimits: Limits = {
  // Twenty times what three keys for each role take.
  root: 65_536,
  timestamp: 16_384,
  // 140 bytes for each of 400 groups.
  snapshot: 65_536,
  // 150 bytes for each of 1,700 lists, or 400 for each of 600 groups.
  targets: 262_144,
  // 150 bytes for each of 100 lists.
  group: 16_384,
  // 25 bytes for each of 40,000 entries: more than a device could ever pay for.
  targetFile: 1_048_576,
  rootsPerRefresh: 32,
  rolesVisited: 256,
}

/** 5.1: fixed for one cycle. */
export interface Terms {
  /** Milliseconds since 1970: the later of the last time that was certain and the clock, if it can be trusted. */
  readonly effectiveMs: number
  readonly limits: Limits
  /** Versions below which nothing is believed, by role: a card that is written anew remembers none of its own. */
  readonly floor: ReadonlyMap<string, number>
}

/**
 * 5.2: what was trusted before, read again from bytes.
 *
 * @param files - As they were kept, by role.
 * @throws {Refused} When the root does not stand by its own signatures. Any other file that does not is left out.
 */
export function openTrusted(
  root: Uint8Array,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
  former: Keys = new Map(),
): TrustedSet {
  const trusted = readMetadata(root, 'root')
  if (!isSigned(trusted, trusted.signed.roles.root))
    throw new Refused('tampering', '5.2', 'The root that is trusted does not stand by its own signatures')
  const { roles } = trusted.signed
  const set: TrustedSet = { root: trusted, timestamp: null, snapshot: null, targets: new Map(), former }
  const targets = new Map<string, Metadata<Targets>>()
  for (const [name, bytes] of files) {
    if (name === 'timestamp' || name === 'snapshot' || name === 'root') continue
    const file = readOrNull(bytes, 'targets')
    if (file !== null) targets.set(name, file)
  }
  const timestamp = readOrNull(files.get('timestamp'), 'timestamp')
  const snapshot = readOrNull(files.get('snapshot'), 'snapshot')
  return {
    ...set,
    targets,
    timestamp: timestamp !== null && isSigned(timestamp, roles.timestamp) ? timestamp : null,
    snapshot: snapshot !== null && isSigned(snapshot, roles.snapshot) ? snapshot : null,
  }
}

function readOrNull<Kind extends TopRole>(bytes: Uint8Array | undefined, kind: Kind) {
  try {
    return bytes === undefined ? null : readMetadata(bytes, kind)
  } catch (error) {
    if (error instanceof Refused) return null
    throw error
  }
}

/** When the first of those expires that vouch for a target, of those that are there. @returns Milliseconds since 1970. */
export function expiryOf(set: TrustedSet, chain: readonly string[]): number {
  const all = [set.root, set.timestamp, set.snapshot, ...chain.map((name) => set.targets.get(name))]
  return Math.min(...all.map((each) => each?.signed.expiresMs ?? Number.POSITIVE_INFINITY))
}

/** Nobody has so many keys; a role that changes them for ever must not fill the state. */
const keptFormer = 64

export function withFormer(former: Keys, lost: readonly (readonly [string, string | null])[]): Keys {
  return new Map([...former, ...lost].slice(-keptFormer))
}

export function keysLost(before: Role, after: Role | undefined): (readonly [string, string | null])[] {
  return [...before.keys].filter(([keyid]) => after === undefined || !after.keys.has(keyid))
}
