// `sonde-coordinator recover`: a key from its recovery sheet, sealed by a new passphrase.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { signingKey } from '../../tests-spec/lists/tuf/author.ts'
import { CommandFailed } from '../command-failed.ts'
import { keyOf, readLine, sheetLines } from '../keys/recovery-sheet.ts'
import { sealKey, usualWorkFactor } from '../keys/sealed-key.ts'
import { stateOf } from '../signing/state.ts'
import { Workspace } from '../workspace/workspace.ts'
import { ask, newPassphrase } from './asking.ts'
import {
  type Command,
  dirOf,
  dirOption,
  type Invocation,
  jsonOption,
  langOption,
  passphraseOption,
  workFactorOption,
} from './invocation.ts'

export const recoverCommand: Command = {
  name: 'recover',
  summary: 'take a key back from its recovery sheet',
  more: 'The four lines are asked for one by one, or read from a file. The key must not be in the folder: move the old file away first.',
  operands: [],
  options: [
    dirOption,
    {
      name: 'key',
      value: {
        name: 'NAME',
        kind: 'text',
        check: (text) => (/^[a-z0-9-]{1,40}$/.test(text) ? null : 'a name as on the sheet'),
      },
      help: 'the name of the key; asked for unless said',
    },
    { name: 'sheet', value: { name: 'FILE', kind: 'file' }, help: 'the sheet as a file, or its four lines' },
    passphraseOption,
    workFactorOption,
    langOption,
    jsonOption,
  ],
  run: recover,
}

async function recover(invocation: Invocation): Promise<number> {
  const { given, terminal, words } = invocation
  const workspace = Workspace.open(dirOf(invocation))
  const name = given.value('key') ?? (await ask(invocation, words.askKeyName(), '--key NAME')).trim()
  if (workspace.keyNames.includes(name))
    throw new CommandFailed('output_exists', words.workspaceExists(workspace.keyPath(name)))
  const path = given.value('sheet')
  const privateKey = keyOf(path === null ? await typed(invocation) : fromFile(path))
  if (!isKnown(workspace, name, signingKey(privateKey).id))
    throw new CommandFailed('key_not_entitled', words.keyNotEntitled(name))
  const passphrase = await newPassphrase(invocation, name)
  const workFactor = Number(given.value('work-factor') ?? usualWorkFactor)
  workspace.addKey(name, await sealKey(name, privateKey, passphrase, workFactor))
  const where = workspace.keyPath(name)
  terminal.out(
    given.has('json')
      ? `${JSON.stringify({ key: name, path: where, id: signingKey(privateKey).id }, null, 2)}\n`
      : `${words.recovered(name, where)}\n`,
  )
  return 0
}

/** A sheet of another key would be found out only when a collector refuses what it signed. */
function isKnown(workspace: Workspace, name: string, id: string): boolean {
  const state = stateOf(workspace.files)
  if (name.startsWith('offline-'))
    return state.root.signed.roles.root.keys.has(id) || state.root.signed.roles.targets.keys.has(id)
  const delegations = state.roles.get('targets')?.signed.delegations ?? []
  return delegations.some((each) => each.name === name && each.keys.has(id))
}

async function typed(invocation: Invocation): Promise<Buffer[]> {
  const { terminal, words } = invocation
  const parts: Buffer[] = []
  while (parts.length < sheetLines) {
    const n = parts.length
    const part = readLine(await ask(invocation, words.askSheetLine(n + 1), '--sheet FILE', true), n)
    if (part === null) terminal.err(`${words.badSheetLine(n + 1)}\n`)
    else parts.push(part)
  }
  return parts
}

function fromFile(path: string): Buffer[] {
  const lines = textOf(path)
    .split(/\r?\n/)
    .map((line) => /^\s*(?:\d:)?\s*((?:[0-9a-f]{4}\s+){4}-\s*[0-9a-f]{4})\s*$/i.exec(line)?.[1])
    .filter((line) => line !== undefined)
  if (lines.length !== sheetLines) throw new CommandFailed('bad_sheet', (words) => words.badSheet())
  return lines.map((line, i) => {
    const part = readLine(line, i)
    if (part === null) throw new CommandFailed('bad_sheet', (words) => words.badSheetLine(i + 1))
    return part
  })
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed('not_readable', (words) => words.notReadable(basename(path), why), { cause })
  }
}
