// Changes of trust: what two of three offline keys must sign. A proposal is the next version of `root`, of `targets`, or of both, unsigned,
// as a repository in one file that goes from holder to holder; it counts when enough have signed. Pure.

import type { OnlinePublicKeys } from '../../tests-spec/lists/online-keys.ts'
import {
  expiryAfter,
  type NewDelegation,
  type NewRole,
  newRoot,
  newTargets,
  type SigningKey,
  signedFile,
  targetFileOf,
  withSignature,
} from '../../tests-spec/lists/tuf/author.ts'
import { type Role, readMetadata } from '../../tests-spec/lists/tuf/metadata.ts'
import { isSigned } from '../../tests-spec/lists/tuf/signatures.ts'
import { corePath, delegationOf } from './first-lists.ts'
import { contentName, type Files, roleName, rootName, type State, stateOf } from './state.ts'

export interface TrustChange {
  /** The collector's new keys. */
  readonly online?: OnlinePublicKeys
  /** An offline key that is taken out, and the one in its place. Public halves in hex, as below. */
  readonly offline?: { readonly out: string; readonly in: string }
  /** A group that is new, or has another key. */
  readonly group?: { readonly name: string; readonly publicHex: string }
  /** A group that is no more. */
  readonly without?: string
  readonly core?: Uint8Array
}

/** @returns What is new: the files that wait for signatures, and contents that they name. */
export function proposalOf({ root, roles, files }: State, change: TrustChange, nowMs: number): Files {
  const old = root.signed.roles
  const targets = roles.get('targets')?.signed
  if (targets === undefined) throw new TypeError('Cannot change trust without targets')
  const made = new Map<string, Uint8Array>()
  // Dates of both run out; who signs at all signs both, so that holders need not come together again for the other.
  const rootVersion = root.signed.version + 1
  const holders = replaced(old.root, change.offline)
  const next = newRoot(
    { version: rootVersion, expiresMs: expiryAfter(nowMs, 'root') },
    {
      root: holders,
      targets: replaced(old.targets, change.offline),
      snapshot: change.online ? { keys: [change.online.snapshot], threshold: 1 } : replaced(old.snapshot),
      timestamp: change.online ? { keys: [change.online.timestamp], threshold: 1 } : replaced(old.timestamp),
    },
  )
  made.set(rootName(rootVersion), signedFile('root', next, []))
  const listed = new Map(targets.targets)
  if (change.core !== undefined) {
    const file = targetFileOf(change.core)
    listed.set(corePath, file)
    made.set(contentName(corePath, file.hashes.get('sha256') ?? null), change.core)
  }
  const { group, without } = change
  const delegations: NewDelegation[] = targets.delegations
    .filter(({ name }) => name !== without && name !== group?.name)
    .map((each) => ({ name: each.name, paths: each.paths, ...replaced(each) }))
  if (group !== undefined) delegations.push(delegationOf(group.name, group.publicHex))
  const version = targets.version + 1
  const signed = newTargets({ version, expiresMs: expiryAfter(nowMs, 'targets') }, listed, delegations)
  made.set(roleName('targets', version), signedFile('targets', signed, []))
  // All that stands before it goes along, so that each holder sees what changes.
  return new Map([...files, ...made])
}

export interface Missing {
  readonly role: 'root' | 'targets'
  readonly version: number
  /** By enough of the keys before, and of the new ones. */
  readonly isSigned: boolean
}

/** Of the newest root and targets in a file: whether enough have signed. */
export function signaturesOf(files: Files): readonly Missing[] {
  const { root, roles } = stateOf(files)
  const { version } = root.signed
  const before = files.get(rootName(version - 1))
  const old = before === undefined ? root : readMetadata(before, 'root')
  const targets = roles.get('targets')
  return [
    {
      role: 'root',
      version,
      isSigned: isSigned(root, root.signed.roles.root) && isSigned(root, old.signed.roles.root),
    },
    ...(targets === undefined
      ? []
      : [
          {
            role: 'targets' as const,
            version: targets.signed.version,
            isSigned: isSigned(targets, root.signed.roles.targets),
          },
        ]),
  ]
}

/** Whether this key may sign a proposal: one that it takes out still may hand over. */
export function maySign(files: Files, { id }: Pick<SigningKey, 'id'>): boolean {
  const { root } = stateOf(files)
  const before = files.get(rootName(root.signed.version - 1))
  const old = before === undefined ? root : readMetadata(before, 'root')
  return root.signed.roles.root.keys.has(id) || old.signed.roles.root.keys.has(id)
}

/** Adds the signatures of one holder. */
export function withHolder(files: Files, key: SigningKey): Files {
  const { root, roles } = stateOf(files)
  const signed = new Map(files)
  signed.set(rootName(root.signed.version), withSignature('root', root.bytes, key))
  const targets = roles.get('targets')
  if (targets !== undefined && root.signed.roles.targets.keys.has(key.id))
    signed.set(roleName('targets', targets.signed.version), withSignature('targets', targets.bytes, key))
  return signed
}

function replaced({ keys, threshold }: Role, change?: TrustChange['offline']): NewRole {
  const known = [...keys.values()].filter((hex) => typeof hex === 'string')
  const all = known.map((hex) => (hex === change?.out ? change.in : hex))
  return { keys: [...new Set(all)], threshold }
}

/** What a proposal changes, for the holder who is asked to sign it. */
export interface TrustDifference {
  readonly groupsAdded: readonly string[]
  readonly groupsRemoved: readonly string[]
  readonly groupKeysChanged: readonly string[]
  readonly offlineKeysIn: readonly string[]
  readonly offlineKeysOut: readonly string[]
  readonly collectorKeysChanged: boolean
  readonly targetsChanged: readonly string[]
}

export function trustDifference(before: State, after: State): TrustDifference {
  const ids = ({ keys }: Role) => [...keys.keys()]
  const old = before.root.signed.roles
  const now = after.root.signed.roles
  const delegated = ({ roles }: State) =>
    new Map((roles.get('targets')?.signed.delegations ?? []).map((each) => [each.name, ids(each).join()]))
  const [groups, then] = [delegated(after), delegated(before)]
  const listed = ({ roles }: State) =>
    new Map(
      [...(roles.get('targets')?.signed.targets ?? [])].map(([path, { hashes }]) => [
        path,
        hashes.get('sha256'),
      ]),
    )
  const [paths, earlier] = [listed(after), listed(before)]
  const isMissingIn = (other: readonly string[]) => (id: string) => !other.includes(id)
  return {
    groupsAdded: [...groups.keys()].filter((name) => !then.has(name)),
    groupsRemoved: [...then.keys()].filter((name) => !groups.has(name)),
    groupKeysChanged: [...groups]
      .filter(([name, key]) => (then.get(name) ?? key) !== key)
      .map(([name]) => name),
    offlineKeysIn: ids(now.root).filter(isMissingIn(ids(old.root))),
    offlineKeysOut: ids(old.root).filter(isMissingIn(ids(now.root))),
    collectorKeysChanged:
      ids(now.snapshot).join() !== ids(old.snapshot).join() ||
      ids(now.timestamp).join() !== ids(old.timestamp).join(),
    targetsChanged: [...new Set([...paths.keys(), ...earlier.keys()])].filter(
      (path) => paths.get(path) !== earlier.get(path),
    ),
  }
}
