// `sonde-coordinator publish --to PLACE`: what was signed goes to the collector; what a collector has published goes to a folder that any
// static host serves, or into one file for a stick.

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { openTrusted } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { CommandFailed } from '../command-failed.ts'
import { RemoteCollector } from '../exchange/collector.ts'
import { keptFiles, parcel, type State, stateOf } from '../signing/state.ts'
import { signaturesOf } from '../signing/trust.ts'
import { makeFolder, writeWhole } from '../workspace/durable-file.ts'
import { Workspace } from '../workspace/workspace.ts'
import { collectorFor, presentState, requireFresh } from './change-group.ts'
import {
  type Command,
  collectorOption,
  dirOf,
  dirOption,
  type Invocation,
  jsonOption,
  langOption,
} from './invocation.ts'
import { proposalIn } from './sign-command.ts'

export const publishCommand: Command = {
  name: 'publish',
  summary: 'bring lists to the collector, a folder for any static host, or one file for a stick',
  more: 'PLACE is the URL of a collector, a file that ends in .slr, or a folder. To a collector goes what was signed here and is not out; the others get what the collector has published, since only it signs which lists are the present ones.',
  operands: [],
  options: [
    {
      name: 'to',
      value: { name: 'PLACE', kind: 'text' },
      required: true,
      help: 'where to: a URL, FILE.slr, or a folder',
    },
    {
      name: 'with',
      value: { name: 'FILE', kind: 'file' },
      help: 'a change of trust that two holders have signed goes along',
    },
    collectorOption,
    dirOption,
    langOption,
    jsonOption,
  ],
  async run(invocation) {
    const to = invocation.given.value('to') ?? ''
    return /^https?:\/\//i.test(to) ? toCollector(invocation, to) : toDisk(invocation, to)
  },
}

async function toCollector(invocation: Invocation, url: string): Promise<number> {
  const { given, terminal, words } = invocation
  const workspace = Workspace.open(dirOf(invocation))
  const collector = new RemoteCollector(url)
  const { state: before, out } = await presentState(workspace, collector)
  const path = given.value('with')
  const state = path === null ? before : withProposal(before.files, path)
  requireFresh({ state, collector }, invocation.now())
  const versions = await collector.send(parcel(state, out))
  workspace.keep(keptFiles(state))
  workspace.rememberCollector(collector.url)
  const lines = Object.entries(versions).map(([role, version]) => `  ${role} ${version}`)
  terminal.out(
    given.has('json')
      ? `${JSON.stringify({ collector: collector.url, versions }, null, 2)}\n`
      : `${[words.publishedAll(collector.url), ...lines].join('\n')}\n`,
  )
  return 0
}

/** @throws {CommandFailed} `threshold_not_met`. */
function withProposal(files: ReadonlyMap<string, Uint8Array>, path: string): State {
  const proposal = proposalIn(path)
  const missing = signaturesOf(proposal).find(({ isSigned }) => !isSigned)
  if (missing !== undefined)
    throw new CommandFailed('threshold_not_met', (words) => words.notEnough(path, missing.role))
  return stateOf(files, proposal)
}

async function toDisk(invocation: Invocation, to: string): Promise<number> {
  const { given, terminal, words } = invocation
  const workspace = Workspace.open(dirOf(invocation))
  const collector = collectorFor(invocation, workspace)
  const local = stateOf(workspace.files)
  const { set, files } = await collector.published(openTrusted(local.root.bytes))
  if (set.timestamp === null) throw new CommandFailed('no_lists', words.nothingOut(collector.url))
  const roots = [...workspace.files].filter(([name]) => name.endsWith('.root.json'))
  const all = new Map([...roots, ...files])
  if (/\.slr$/i.test(to)) writeWhole(to, writeOneFile(all))
  else writeMirror(to, all)
  const until = new Date(set.timestamp.signed.expiresMs).toISOString().slice(0, 10)
  terminal.out(
    given.has('json')
      ? `${JSON.stringify({ to, files: all.size, until }, null, 2)}\n`
      : `${words.writtenTo(to, all.size, until)}\n`,
  )
  return 0
}

/** The timestamp last: one who fetches meanwhile finds all that it leads to. */
function writeMirror(dir: string, files: ReadonlyMap<string, Uint8Array>): void {
  const last = 'metadata/timestamp.json'
  const names = [...files.keys()].filter((name) => name !== last)
  for (const name of [...names, last]) {
    const path = join(dir, ...name.split('/'))
    if (!existsSync(dirname(path))) makeFolder(dirname(path))
    writeWhole(path, files.get(name) ?? new Uint8Array())
  }
}
