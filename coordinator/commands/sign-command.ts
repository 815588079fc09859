// `sonde-coordinator sign FILE`: one holder looks at what a proposal changes, and signs it.

import { readOneFile, writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import { CommandFailed } from '../command-failed.ts'
import { stateOf } from '../signing/state.ts'
import { maySign, signaturesOf, type TrustDifference, trustDifference, withHolder } from '../signing/trust.ts'
import type { Words } from '../words/words.ts'
import { readIfThere, writeWhole } from '../workspace/durable-file.ts'
import { Workspace } from '../workspace/workspace.ts'
import { confirm, openKey } from './asking.ts'
import {
  type Command,
  dirOf,
  dirOption,
  type Invocation,
  jsonOption,
  langOption,
  passphraseOption,
  yesOption,
} from './invocation.ts'

export const signCommand: Command = {
  name: 'sign',
  summary: 'sign a change of trust, as one of its three holders',
  more: 'Shows what the proposal changes against the lists in DIR, and asks. The same file goes on to the next holder.',
  operands: [{ name: 'FILE', kind: 'file', count: 'one' }],
  options: [
    {
      name: 'key',
      value: { name: 'NAME', kind: 'text' },
      required: true,
      help: 'whose signature: offline-1, offline-2 or offline-3',
    },
    dirOption,
    yesOption,
    passphraseOption,
    langOption,
    jsonOption,
  ],
  run: signProposal,
}

async function signProposal(invocation: Invocation): Promise<number> {
  const { given, terminal, words } = invocation
  const [path = ''] = given.operands
  const name = given.value('key') ?? ''
  const workspace = Workspace.open(dirOf(invocation))
  const files = proposalIn(path)
  const difference = trustDifference(stateOf(workspace.files), stateOf(files))
  terminal.err(`${trustText(words, difference)}\n`)
  await confirm(invocation, words.askSign())
  const key = await openKey(invocation, workspace, name)
  if (!maySign(files, key)) throw new CommandFailed('key_not_entitled', words.keyNotEntitled(name))
  const signed = withHolder(files, key)
  writeWhole(path, writeOneFile(signed))
  const isComplete = signaturesOf(signed).every((each) => each.isSigned)
  terminal.out(
    given.has('json')
      ? `${JSON.stringify({ proposal: path, complete: isComplete, ...difference }, null, 2)}\n`
      : `${isComplete ? words.signedEnough(path) : words.signedOne(path)}\n`,
  )
  return 0
}

/** @throws {CommandFailed} `bad_list`, `not_readable`. */
export function proposalIn(path: string): ReadonlyMap<string, Uint8Array> {
  const bytes = readIfThere(path)
  if (bytes === null) throw new CommandFailed('not_readable', (words) => words.notReadable(path, 'ENOENT'))
  try {
    return readOneFile(bytes)
  } catch (cause) {
    if (!(cause instanceof Refused)) throw cause
    const { message } = cause
    throw new CommandFailed('bad_list', (words) => words.noProposal(path, message), { cause })
  }
}

function trustText(words: Words, difference: TrustDifference): string {
  const lines = [
    ...difference.groupsAdded.map((name) => words.groupAdded(name)),
    ...difference.groupsRemoved.map((name) => words.groupRemoved(name)),
    ...difference.groupKeysChanged.map((name) => words.groupKeyChanged(name)),
    ...difference.offlineKeysOut.map((id) => words.offlineOut(id)),
    ...difference.offlineKeysIn.map((id) => words.offlineIn(id)),
    ...(difference.collectorKeysChanged ? [words.collectorKeysChanged()] : []),
    ...difference.targetsChanged.map((path) => words.targetChanged(path)),
  ]
  return [words.proposalIs(), ...(lines.length === 0 ? [words.onlyRenewed()] : lines)]
    .map((line, i) => (i === 0 ? line : `  ${line}`))
    .join('\n')
}
