// All that is measured: the core list, and of the lists of the device's groups what passes its gate. Pure, but for asking what
// was pushed.

import { type Campaign, campaignsOf } from '../../tests-spec/lists/campaign.ts'
import {
  type Gated,
  type GroupList,
  parseGroupList,
  passGate,
  withGroups,
} from '../../tests-spec/lists/group-list.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import { coreListInForce, type PushedLists, readable } from './core-list.ts'

export const corePath = 'core/list.json'
export const groupPath = (group: string) => `groups/${group}/list.json`

export interface ListsInForce {
  readonly list: TestList
  /** Of groups' lists, whenever they are. */
  readonly campaigns: readonly Campaign[]
  /** As manifests name them. */
  readonly versions: Readonly<Record<string, number>>
  /** Paths of those that were pushed. */
  readonly pushed: readonly string[]
  /** Number of entries of groups' lists that are not measured, by reason. */
  readonly leftOut: Gated['leftOut']
  /** Whether a newer list is set aside. */
  readonly isFallback: boolean
}

/** What the host of the device agreed to, beyond the core list. */
export interface Allowed {
  /** Whether lists of groups at all. */
  readonly groups: boolean
  /** Risky categories, as codes. */
  readonly categories: ReadonlySet<string>
}

/** Where nothing was pushed. */
export function ownListAlone(list: TestList): ListsInForce {
  return {
    list,
    campaigns: [],
    versions: { [list.name]: list.version },
    pushed: [],
    leftOut: {},
    isFallback: false,
  }
}

/**
 * @param own - The list of the build, or the one that the operator configured.
 * @param isConfigured - An operator's own list is not replaced by one that was pushed.
 */
export async function listsInForce(
  pushed: PushedLists,
  groups: readonly string[],
  own: TestList,
  isConfigured: boolean,
  allowed: Allowed,
): Promise<ListsInForce> {
  const core = isConfigured ? { list: own, pushed: null } : await coreListInForce(pushed, corePath, own)
  const leftOut: Partial<Record<keyof Gated['leftOut'], number>> = {}
  const versions: Record<string, number> = { [core.list.name]: core.list.version }
  const paths = core.pushed === null ? [] : [corePath]
  const gated: Gated[] = []
  const campaigns: Campaign[] = []
  let isFallback = core.pushed?.isFallback ?? false
  for (const group of new Set(allowed.groups ? groups : [])) {
    const path = groupPath(group)
    const found = await pushed.inForce(path, (bytes) => groupListIn(bytes, group) !== null)
    const list = found === null ? null : groupListIn(found.bytes, group)
    if (found === null || list === null) continue
    const passed = passGate(list, core.list, allowed.categories)
    for (const [code, count] of Object.entries(passed.leftOut)) {
      const reason = code as keyof Gated['leftOut']
      leftOut[reason] = (leftOut[reason] ?? 0) + count
    }
    gated.push(passed)
    campaigns.push(...campaignsOf(list, passed, core.list))
    paths.push(path)
    versions[`groups/${group}`] = found.version
    isFallback ||= found.isFallback
  }
  const list = withGroups(core.list, gated)
  return { list, campaigns, versions, pushed: paths, leftOut, isFallback }
}

/** @returns null when this agent cannot read it, or it is another group's. */
function groupListIn(bytes: Uint8Array, group: string): GroupList | null {
  const list = readable(bytes, parseGroupList)
  return list?.name === group ? list : null
}
