// `sonde-coordinator init`: the key ceremony, step by step. What it makes is made whole, or not at all.

import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import coreList from '../../tests-spec/lists/core.json' with { type: 'json' }
import { type OnlinePublicKeys, readOnlineKeys } from '../../tests-spec/lists/online-keys.ts'
import { parseTestList, TestListRefused } from '../../tests-spec/lists/test-list.ts'
import { signingKey } from '../../tests-spec/lists/tuf/author.ts'
import { CommandFailed } from '../command-failed.ts'
import { sheetText } from '../keys/recovery-sheet.ts'
import { sealKey, usualWorkFactor } from '../keys/sealed-key.ts'
import { firstLists, offlineNames } from '../signing/first-lists.ts'
import { makeFolder, readIfThere, writeNew } from '../workspace/durable-file.ts'
import { refuseUsed, Workspace } from '../workspace/workspace.ts'
import { ask, confirm, newPassphrase } from './asking.ts'
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
  yesOption,
} from './invocation.ts'

const steps = 4

export const initCommand: Command = {
  name: 'init',
  summary: 'make the keys that devices trust lists by, step by step',
  more: 'Three offline keys, of which two sign, and one for each group, sealed by passphrases; the root of trust; and the first lists, signed. Writes over nothing.',
  operands: [],
  options: [
    dirOption,
    {
      name: 'lists-keys',
      value: { name: 'WORD', kind: 'text' },
      help: 'what sonde-collector lists-keys prints; asked for unless said',
    },
    {
      name: 'group',
      value: { name: 'NAME', kind: 'text' },
      repeated: true,
      help: 'a group of devices with a list and a key of its own; asked for unless said',
    },
    {
      name: 'core',
      value: { name: 'FILE', kind: 'file' },
      help: 'the core list, JSON; the one that this program carries unless said',
    },
    {
      name: 'sheets',
      value: { name: 'DIR', kind: 'dir' },
      help: 'write a recovery sheet for each key there, to be printed and deleted',
    },
    collectorOption,
    passphraseOption,
    workFactorOption,
    yesOption,
    langOption,
    jsonOption,
  ],
  run: init,
}

async function init(invocation: Invocation): Promise<number> {
  const { given, terminal, words, now } = invocation
  const dir = dirOf(invocation)
  const sheets = given.value('sheets')
  refuseUsed(dir)
  const core = coreIn(given.value('core'))
  const says = (text: string) => terminal.err(`${text}\n`)
  says(words.initIntro(dir))
  says(words.step(1, steps, words.stepCollector()))
  const online = await onlineKeys(invocation)
  says(words.step(2, steps, words.stepGroups()))
  const groups = await groupNames(invocation)
  const names = [...offlineNames, ...groups]
  says(words.step(3, steps, words.stepPassphrases()))
  says(words.passphrasesWhy())
  const passphrases = new Map<string, string>()
  for (const name of names) passphrases.set(name, await newPassphrase(invocation, name))
  says(words.step(4, steps, words.stepConfirm()))
  says(words.initSummary(groups, dir))
  await confirm(invocation, words.askMake())

  const made = new Map(names.map((name) => [name, generateKeyPairSync('ed25519').privateKey]))
  const signing = (name: string) => signingKey(made.get(name) as KeyObject)
  const keys = {
    offline: offlineNames.map(signing),
    groups: new Map(groups.map((name) => [name, signing(name)])),
    online,
  }
  const files = firstLists(keys, core, now())
  const workFactor = Number(given.value('work-factor') ?? usualWorkFactor)
  const sealed = new Map<string, string>()
  for (const [name, key] of made)
    sealed.set(name, await sealKey(name, key, passphrases.get(name) ?? '', workFactor))
  // Before the keys: what cannot be written must not leave keys without the sheets that were asked for.
  const written = sheets === null ? [] : writeSheets(sheets, made, invocation)
  const publicKeys = new Map([...made].map(([name, key]) => [name, signingKey(key).publicHex]))
  Workspace.make(dir, { files, keys: sealed, publicKeys, collector: given.value('collector') })

  const digest = createHash('sha256')
    .update(files.get('metadata/1.root.json') as Uint8Array)
    .digest('hex')
  if (given.has('json')) {
    const report = { dir, root_sha256: digest, groups, keys: names, sheets: written }
    terminal.out(`${JSON.stringify(report, null, 2)}\n`)
    return 0
  }
  terminal.out(`${words.initDone(dir, digest)}\n`)
  if (written.length > 0) terminal.out(`${words.sheetsWritten(written)}\n`)
  terminal.out(`${words.initNext(dir)}\n`)
  return 0
}

async function onlineKeys(invocation: Invocation): Promise<OnlinePublicKeys> {
  const { given, terminal, words } = invocation
  const said = given.value('lists-keys')
  const bad = () => new CommandFailed('bad_lists_keys', words.badListsKeys())
  if (said !== null) {
    const keys = readOnlineKeys(said.trim())
    if (keys === null) throw bad()
    return keys
  }
  for (;;) {
    const keys = readOnlineKeys((await ask(invocation, words.askListsKeys(), '--lists-keys WORD')).trim())
    if (keys !== null) return keys
    terminal.err(`${words.badListsKeys()}\n`)
  }
}

async function groupNames(invocation: Invocation): Promise<readonly string[]> {
  const { given, terminal, words } = invocation
  const said = given.values('group')
  const bad = said.find((name) => !isGroupName(name))
  if (bad !== undefined) throw new CommandFailed('bad_usage', words.badGroup(bad))
  if (said.length > 0 || given.has('yes')) return [...new Set(said)]
  const names = new Set<string>()
  for (;;) {
    const name = (await ask(invocation, words.askGroup(), '--group NAME')).trim()
    if (name === '') return [...names]
    if (isGroupName(name)) names.add(name)
    else terminal.err(`${words.badGroup(name)}\n`)
  }
}

export function isGroupName(name: string): boolean {
  const isTaken = /^(root|targets|snapshot|timestamp|offline-.*)$/.test(name)
  return /^[a-z0-9-]{1,40}$/.test(name) && !isTaken
}

/** @throws {CommandFailed} `bad_list`, `not_readable`. */
export function coreIn(path: string | null): Uint8Array {
  if (path === null) return Buffer.from(`${JSON.stringify(coreList, null, 1)}\n`)
  const bytes = readIfThere(path)
  if (bytes === null) throw new CommandFailed('not_readable', (words) => words.notReadable(path, 'ENOENT'))
  try {
    parseTestList(JSON.parse(bytes.toString('utf8')))
    return bytes
  } catch (cause) {
    if (!(cause instanceof TestListRefused || cause instanceof SyntaxError)) throw cause
    throw new CommandFailed('bad_list', (words) => words.badCore(path, cause.message), { cause })
  }
}

function writeSheets(
  dir: string,
  keys: ReadonlyMap<string, KeyObject>,
  { words }: Invocation,
): readonly string[] {
  const paths = [...keys.keys()].map((name) => join(dir, `${name}.txt`))
  const there = paths.find((path) => existsSync(path))
  if (there !== undefined) throw new CommandFailed('output_exists', words.workspaceExists(there))
  makeFolder(dir)
  for (const [name, key] of keys) writeNew(join(dir, `${name}.txt`), sheetText(name, key, words))
  return paths
}
