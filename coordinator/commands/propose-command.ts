// `sonde-coordinator rotate` and `revoke`: a change of trust, as a proposal in one file that two of three holders must sign. Keys that are
// new are made here, and old ones stay until the proposal is published.

import { generateKeyPairSync } from 'node:crypto'
import { readOnlineKeys } from '../../tests-spec/lists/online-keys.ts'
import { signingKey } from '../../tests-spec/lists/tuf/author.ts'
import { writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { CommandFailed } from '../command-failed.ts'
import { sealKey, usualWorkFactor } from '../keys/sealed-key.ts'
import { groupPath, offlineNames } from '../signing/first-lists.ts'
import { withGroup } from '../signing/next-group.ts'
import { contentOf, groupsOf, type State, stateOf } from '../signing/state.ts'
import { proposalOf, type TrustChange } from '../signing/trust.ts'
import { writeNew } from '../workspace/durable-file.ts'
import { Workspace } from '../workspace/workspace.ts'
import { newPassphrase } from './asking.ts'
import { collectorFor, presentState } from './change-group.ts'
import { coreIn, isGroupName } from './init-command.ts'
import {
  type Command,
  collectorOption,
  dirOf,
  dirOption,
  type Invocation,
  jsonOption,
  langOption,
  passphraseOption,
  workFactorOption,
} from './invocation.ts'

const common = [collectorOption, dirOption, langOption, jsonOption]
const outOption = {
  name: 'to',
  value: { name: 'FILE', kind: 'file' },
  required: true,
  help: 'the proposal, which goes from holder to holder; must not be there',
} as const

export const rotateCommand: Command = {
  name: 'rotate',
  summary: 'propose other keys, another core list or a new group, or the same for longer',
  more: 'Writes a proposal for two of the three holders of offline keys: sonde-coordinator sign FILE, one after the other, then publish --with FILE. Without more said it renews what they signed before it expires.',
  operands: [],
  options: [
    outOption,
    {
      name: 'key',
      value: { name: 'NAME', kind: 'text' },
      help: 'put a new key in the place of this one: offline-1 to offline-3, or a group; a group that is not there is made',
    },
    {
      name: 'lists-keys',
      value: { name: 'WORD', kind: 'text' },
      help: "the collector's new keys, as sonde-collector lists-keys prints them",
    },
    { name: 'core', value: { name: 'FILE', kind: 'file' }, help: 'another core list, JSON' },
    passphraseOption,
    workFactorOption,
    ...common,
  ],
  run: rotate,
}

export const revokeCommand: Command = {
  name: 'revoke',
  summary: 'propose that a group and its key are no more',
  more: 'As rotate: a proposal for two of the three holders. For a key that was stolen while its group goes on: rotate --key NAME.',
  operands: [{ name: 'GROUP', kind: 'text', count: 'one' }],
  options: [outOption, ...common],
  async run(invocation) {
    const [group = ''] = invocation.given.operands
    const { state } = await open(invocation)
    if (!groupsOf(state).includes(group))
      throw new CommandFailed('no_group', (words) => words.noGroup(group, groupsOf(state)))
    return write(invocation, proposalOf(state, { without: group }, invocation.now()), null)
  },
}

async function rotate(invocation: Invocation): Promise<number> {
  const { given, words, now } = invocation
  const { workspace, state } = await open(invocation)
  const name = given.value('key')
  const word = given.value('lists-keys')
  const online = word === null ? undefined : readOnlineKeys(word.trim())
  if (online === null) throw new CommandFailed('bad_lists_keys', words.badListsKeys())
  const core = given.value('core') === null ? undefined : coreIn(given.value('core'))
  const change: TrustChange = { ...(online && { online }), ...(core && { core }) }
  if (name === null) return write(invocation, proposalOf(state, change, now()), null)

  const isOffline = offlineNames.some((each) => each === name)
  if (!isOffline && !isGroupName(name)) throw new CommandFailed('bad_usage', words.badGroup(name))
  const out = isOffline ? workspace.publicOf(name) : null
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = signingKey(privateKey)
  const passphrase = await newPassphrase(invocation, name)
  const sealed = await sealKey(
    name,
    privateKey,
    passphrase,
    Number(given.value('work-factor') ?? usualWorkFactor),
  )
  const files =
    out === null
      ? proposalOf(
          // What the old key signed counts for nothing under the new one.
          withGroup(state, name, contentOf(state, name, groupPath(name)), key, now()),
          { ...change, group: { name, publicHex: key.publicHex } },
          now(),
        )
      : proposalOf(state, { ...change, offline: { out, in: key.publicHex } }, now())
  const code = await write(invocation, files, name)
  workspace.replaceKey(name, sealed)
  return code
}

async function open(
  invocation: Invocation,
): Promise<{ readonly workspace: Workspace; readonly state: State }> {
  const workspace = Workspace.open(dirOf(invocation))
  // Without a collector, what lies here is what there is: holders sign where no network is.
  if (invocation.given.value('collector') === null && workspace.collector === null)
    return { workspace, state: stateOf(workspace.files) }
  return { workspace, ...(await presentState(workspace, collectorFor(invocation, workspace))) }
}

async function write(
  { given, terminal, words }: Invocation,
  files: ReadonlyMap<string, Uint8Array>,
  key: string | null,
): Promise<number> {
  const to = given.value('to') ?? ''
  writeNew(to, writeOneFile(files))
  terminal.out(
    given.has('json') ? `${JSON.stringify({ proposal: to, key }, null, 2)}\n` : `${words.proposed(to)}\n`,
  )
  return 0
}
