// From what a group's list says now to what it shall say: what push, withdraw and campaign have in common. Begins with what is out,
// shows what changes and what it costs, asks, signs with the group's key, and sends what is new to the collector.

import { type GroupList, parseGroupList } from '../../tests-spec/lists/group-list.ts'
import { parseTestList, type TestList, TestListRefused } from '../../tests-spec/lists/test-list.ts'
import { deviceLimits, openTrusted } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { parseStrictJson } from '../../tests-spec/protocol/strict-json.ts'
import { CommandFailed } from '../command-failed.ts'
import { RemoteCollector } from '../exchange/collector.ts'
import { differenceOf, isNothing, leftOutOf } from '../lists/difference.ts'
import { contentOfList } from '../lists/group-list-file.ts'
import { corePath, groupPath } from '../signing/first-lists.ts'
import { isEntitled, withGroup } from '../signing/next-group.ts'
import { contentOf, groupsOf, keptFiles, parcel, type State, stateOf } from '../signing/state.ts'
import { Workspace } from '../workspace/workspace.ts'
import { confirm, openKey } from './asking.ts'
import { differenceJson, differenceText, type Shown } from './difference-text.ts'
import { dirOf, type Invocation } from './invocation.ts'

export interface GroupNow {
  readonly workspace: Workspace
  readonly collector: RemoteCollector
  readonly state: State
  /** Versions that are out, by role. */
  readonly out: ReadonlyMap<string, number>
  readonly group: string
  /** null when none is out. */
  readonly list: GroupList | null
  readonly core: TestList | null
}

export interface GroupChange {
  /** null: withdrawn. */
  readonly list: GroupList | null
  /** Warnings of lint, and of which file; null where no file was read. */
  readonly warnings: { readonly count: number; readonly path: string } | null
}

/** Signed again before it expires, where nothing else changes: with so much of it left. */
const renewMs = 30 * 86_400_000

/** @throws {CommandFailed} */
export async function openGroup(invocation: Invocation): Promise<GroupNow> {
  const { given } = invocation
  const group = given.value('group') ?? ''
  const workspace = Workspace.open(dirOf(invocation))
  const collector = collectorFor(invocation, workspace)
  const { state, out } = await presentState(workspace, collector)
  if (!groupsOf(state).includes(group))
    throw new CommandFailed('no_group', (words) => words.noGroup(group, groupsOf(state)))
  const bytes = contentOf(state, group, groupPath(group))
  const core = contentOf(state, 'targets', corePath)
  return {
    workspace,
    collector,
    state,
    out,
    group,
    list: bytes === null ? null : readOrNull(bytes, parseGroupList),
    core: core === null ? null : readOrNull(core, parseTestList),
  }
}

export function collectorFor({ given }: Invocation, workspace: Workspace): RemoteCollector {
  const url = given.value('collector') ?? workspace.collector
  if (url === null) throw new CommandFailed('no_collector', (words) => words.noCollector())
  return new RemoteCollector(url)
}

/** What is out and what lies here, the newest of each. */
export async function presentState(workspace: Workspace, collector: RemoteCollector) {
  const local = stateOf(workspace.files)
  const { set, files } = await collector.published(openTrusted(local.root.bytes))
  const out = new Map([...set.targets].map(([role, { signed }]) => [role, signed.version] as const))
  return { state: stateOf(workspace.files, files), out }
}

/** Whether what the holders of the offline keys signed still counts. @throws {CommandFailed} `expired`, `clock_wrong`. */
export function requireFresh(
  { state: { root, roles }, collector }: Pick<GroupNow, 'state' | 'collector'>,
  nowMs: number,
): void {
  collector.requireClock(nowMs)
  for (const [role, metadata] of [['root', root] as const, ['targets', roles.get('targets')] as const]) {
    const expiresMs = metadata?.signed.expiresMs ?? Number.POSITIVE_INFINITY
    if (expiresMs > nowMs) continue
    const on = new Date(expiresMs).toISOString().slice(0, 10)
    throw new CommandFailed('expired', (words) => words.expired(role, on))
  }
}

/** What is shown of a change, and by programs read. */
export function shownOf({ group, list, core, out }: GroupNow, change: GroupChange): Shown {
  return {
    group,
    version: out.get(group) ?? 0,
    after: change.list,
    difference: differenceOf(list, change.list),
    leftOut: leftOutOf(change.list, core),
    warnings: change.warnings,
  }
}

/** @returns The exit code. */
export async function changeGroup(
  invocation: Invocation,
  now: GroupNow,
  change: GroupChange,
): Promise<number> {
  const { given, terminal, words } = invocation
  const { workspace, collector, state, out, group } = now
  requireFresh(now, invocation.now())
  const report = (json: object, text: string) =>
    terminal.out(given.has('json') ? `${JSON.stringify(json, null, 2)}\n` : `${text}\n`)
  const shown = shownOf(now, change)
  if (isOutAlready(now, change, invocation.now())) {
    workspace.rememberCollector(collector.url)
    report({ group, version: shown.version, changed: false }, words.nothingChanged())
    return 0
  }
  terminal.err(differenceText(words, shown))
  const known = (await collector.seen(null))?.filter(({ lists }) => `groups/${group}` in lists).length ?? 0
  if (known > 0) terminal.err(`  ${words.onDevices(known)}\n`)
  await confirm(invocation, words.askPublish())
  const content = change.list === null ? null : contentOfList(change.list)
  if (content !== null && content.length > deviceLimits.targetFile)
    throw new CommandFailed('bad_list', words.tooLarge(change.warnings?.path ?? group))
  const key = await openKey(invocation, workspace, group)
  if (!isEntitled(state, group, key)) throw new CommandFailed('key_not_entitled', words.keyNotEntitled(group))
  const next = withGroup(state, group, content, key, invocation.now())
  const versions = await collector.send(parcel(next, out))
  workspace.keep(keptFiles(next))
  workspace.rememberCollector(collector.url)
  const version = versions[group] ?? 0
  const sentence = change.list === null ? words.withdrawnOut : words.published
  report(
    { group, version, changed: true, ...differenceJson(shown), versions },
    sentence(group, version, collector.url),
  )
  return 0
}

/** What expires soon is signed again, though it says the same. */
function isOutAlready({ state, out, group, list }: GroupNow, change: GroupChange, nowMs: number): boolean {
  const signed = state.roles.get(group)?.signed
  const isOut = signed !== undefined && signed.version === out.get(group)
  const isFresh = (signed?.expiresMs ?? 0) - nowMs > renewMs
  const isSame = (list === null) === (change.list === null) && isNothing(differenceOf(list, change.list))
  return isOut && isFresh && isSame
}

/** @returns null for what this program cannot read: a newer one wrote it, and it is replaced whole. */
function readOrNull<List>(bytes: Uint8Array, parse: (json: unknown) => List): List | null {
  try {
    return parse(parseStrictJson(bytes))
  } catch (error) {
    if (error instanceof TestListRefused || error instanceof SyntaxError || error instanceof TypeError)
      return null
    throw error
  }
}
