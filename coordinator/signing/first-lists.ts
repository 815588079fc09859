// The first repository: a root of trust, the core list, and a group file that says nothing yet for each group. Pure.

import type { OnlinePublicKeys } from '../../tests-spec/lists/online-keys.ts'
import {
  expiryAfter,
  type NewDelegation,
  newRoot,
  newTargets,
  type SigningKey,
  signedFile,
  targetFileOf,
} from '../../tests-spec/lists/tuf/author.ts'
import { contentName, type Files, roleName, rootName } from './state.ts'

/** Two of the three of them sign. */
export const offlineNames = ['offline-1', 'offline-2', 'offline-3'] as const
export const offlineThreshold = 2
export const corePath = 'core/list.json'
export const groupPath = (group: string) => `groups/${group}/list.json`

export interface FirstKeys {
  readonly offline: readonly SigningKey[]
  readonly groups: ReadonlyMap<string, SigningKey>
  readonly online: OnlinePublicKeys
}

export function firstLists({ offline, groups, online }: FirstKeys, core: Uint8Array, nowMs: number): Files {
  const holders = { keys: offline.map(({ publicHex }) => publicHex), threshold: offlineThreshold }
  const dating = (role: 'root' | 'targets' | 'group') => ({ version: 1, expiresMs: expiryAfter(nowMs, role) })
  const root = newRoot(dating('root'), {
    root: holders,
    targets: holders,
    snapshot: { keys: [online.snapshot], threshold: 1 },
    timestamp: { keys: [online.timestamp], threshold: 1 },
  })
  const coreFile = targetFileOf(core)
  const delegations = [...groups].map(([name, { publicHex }]) => delegationOf(name, publicHex))
  const targets = newTargets(dating('targets'), new Map([[corePath, coreFile]]), delegations)
  return new Map([
    [rootName(1), signedFile('root', root, offline)],
    [roleName('targets', 1), signedFile('targets', targets, offline)],
    // Else every device would miss a file that is named, and say so.
    ...[...groups].map(
      ([name, key]) =>
        [
          roleName(name, 1),
          signedFile('targets', newTargets(dating('group'), new Map(), null), [key]),
        ] as const,
    ),
    [contentName(corePath, coreFile.hashes.get('sha256') ?? null), core],
  ])
}

export function delegationOf(name: string, publicHex: string): NewDelegation {
  return { name, keys: [publicHex], threshold: 1, paths: [`groups/${name}/*`] }
}
