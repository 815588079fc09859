// `sonde-coordinator status`: which version of each list is out, until when it is signed, which devices have it, and which not yet.

import { readFileSync } from 'node:fs'
import { parseTestList, TestListRefused } from '../../tests-spec/lists/test-list.ts'
import { CommandFailed } from '../command-failed.ts'
import type { SeenProbe } from '../exchange/collector.ts'
import { corePath } from '../signing/first-lists.ts'
import { contentOf, groupsOf, type State } from '../signing/state.ts'
import { Workspace } from '../workspace/workspace.ts'
import { collectorFor, presentState } from './change-group.ts'
import {
  type Command,
  collectorOption,
  dirOf,
  dirOption,
  type Invocation,
  jsonOption,
  langOption,
} from './invocation.ts'

/** So long before a signature ends, it is said. */
const warnMs = 21 * 86_400_000

export const statusCommand: Command = {
  name: 'status',
  summary: 'say which lists are out, and which devices have them',
  more: 'A device has a list when a batch of it says so: it is heard of with its next upload.',
  operands: [],
  options: [
    {
      name: 'reader-token',
      value: { name: 'FILE', kind: 'file' },
      help: "the file reader-token of the collector's folder, where it asks readers for one",
    },
    collectorOption,
    dirOption,
    langOption,
    jsonOption,
  ],
  run: status,
}

interface ListStatus {
  /** As manifests name it. */
  readonly name: string
  /** 0: none is out. */
  readonly version: number
  /** Milliseconds since 1970. */
  readonly untilMs: number
  readonly have: readonly SeenProbe[]
  readonly behind: readonly SeenProbe[]
}

async function status(invocation: Invocation): Promise<number> {
  const { given, terminal } = invocation
  const workspace = Workspace.open(dirOf(invocation))
  const collector = collectorFor(invocation, workspace)
  const { state, out } = await presentState(workspace, collector)
  const seen = await collector.seen(tokenIn(given.value('reader-token')))
  const probes = (seen ?? []).filter(({ revoked }) => revoked !== true)
  const lists = [
    listStatus('core', out.has('targets') ? coreVersion(state) : 0, 'targets', state, probes),
    ...groupsOf(state).map((group) =>
      listStatus(`groups/${group}`, out.get(group) ?? 0, group, state, probes),
    ),
  ]
  const without = probes.filter(({ lists }) => !Object.keys(lists).some((name) => name.startsWith('groups/')))
  if (given.has('json')) {
    const json = {
      collector: collector.url,
      lists: lists.map(({ name, version, untilMs, have, behind }) => ({
        name,
        version,
        signed_until: day(untilMs),
        have: have.map(({ device }) => device),
        not_yet: behind.map(({ device, received_at }) => ({ device, received_at })),
      })),
      without_group: without.map(({ device, received_at }) => ({ device, received_at })),
      devices_known: seen !== null,
    }
    terminal.out(`${JSON.stringify(json, null, 2)}\n`)
    return 0
  }
  terminal.out(statusText(invocation, collector.url, lists, seen === null ? null : without))
  return 0
}

function statusText(
  { words, now }: Invocation,
  url: string,
  lists: readonly ListStatus[],
  without: readonly SeenProbe[] | null,
): string {
  const heard = ({ received_at }: SeenProbe) => received_at?.slice(0, 16) ?? words.never()
  const lines = [words.statusAt(url)]
  for (const { name, version, untilMs, have, behind } of lists) {
    lines.push(words.statusList(name, version, day(untilMs)))
    if (without !== null) lines.push(words.statusHave(have.length))
    for (const probe of behind)
      lines.push(words.statusBehind(probe.device, probe.lists[name] ?? 0, heard(probe)))
  }
  for (const probe of without ?? []) lines.push(words.statusNone(probe.device, heard(probe)))
  if (without === null) lines.push(words.seenForReaders())
  for (const { name, untilMs } of lists)
    if (untilMs - now() < warnMs) lines.push(words.soonOver(name, day(untilMs)))
  return `${lines.join('\n')}\n`
}

function listStatus(
  name: string,
  version: number,
  role: string,
  { roles }: State,
  probes: readonly SeenProbe[],
): ListStatus {
  // A device of another group does not name it at all; each has a core list.
  const concerned = probes.filter(({ lists, received_at }) => name in lists && received_at !== null)
  return {
    name,
    version,
    untilMs: roles.get(role)?.signed.expiresMs ?? 0,
    have: concerned.filter(({ lists }) => (lists[name] ?? 0) >= version),
    behind: concerned.filter(({ lists }) => (lists[name] ?? 0) < version),
  }
}

function coreVersion(state: State): number {
  const bytes = contentOf(state, 'targets', corePath)
  try {
    return bytes === null ? 0 : parseTestList(JSON.parse(Buffer.from(bytes).toString('utf8'))).version
  } catch (error) {
    if (error instanceof TestListRefused || error instanceof SyntaxError) return 0
    throw error
  }
}

function tokenIn(path: string | null): string | null {
  if (path === null) return null
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed('not_readable', (words) => words.notReadable(path, why), { cause })
  }
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
