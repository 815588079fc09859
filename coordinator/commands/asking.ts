// What commands ask a person, and what is said where none is there to ask.

import { readFileSync } from 'node:fs'
import type { SigningKey } from '../../tests-spec/lists/tuf/author.ts'
import { CommandFailed } from '../command-failed.ts'
import { leastPassphraseChars, openSealedKey } from '../keys/sealed-key.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Invocation } from './invocation.ts'

type Asking = Pick<Invocation, 'terminal' | 'words' | 'given'>

/**
 * @param how - What to say in place of an answer.
 * @throws {CommandFailed} `no_terminal`.
 */
export async function ask(
  { terminal, words }: Asking,
  question: string,
  how: string,
  secret = false,
): Promise<string> {
  const answer = await terminal.ask(question, secret)
  if (answer === null) throw new CommandFailed('no_terminal', words.noTerminal(how))
  return answer
}

/** @throws {CommandFailed} `cancelled`, `no_terminal`. */
export async function confirm(asking: Asking, question: string): Promise<void> {
  const { given, words } = asking
  if (given.has('yes')) return
  const answer = await ask(asking, `${question} ${words.yesNo} `, words.sayYes())
  if (!words.isYes(answer)) throw new CommandFailed('cancelled', words.cancelled())
}

/** Opens a key of the folder, by its passphrase. */
export async function openKey(asking: Asking, workspace: Workspace, name: string): Promise<SigningKey> {
  const key = workspace.key(name)
  const { words } = asking
  const passphrase =
    passphraseIn(asking) ?? (await ask(asking, words.passphraseOf(name), '--passphrase-file FILE', true))
  return openSealedKey(key, passphrase, workspace.keyPath(name))
}

/** Typed twice, until both are the same and long enough. @throws {CommandFailed} `weak_passphrase` for one of a file. */
export async function newPassphrase(asking: Asking, name: string): Promise<string> {
  const { terminal, words } = asking
  const isWeak = (text: string) => [...text].length < leastPassphraseChars
  const fromFile = passphraseIn(asking)
  if (fromFile !== null) {
    if (isWeak(fromFile))
      throw new CommandFailed('weak_passphrase', words.weakPassphrase(leastPassphraseChars))
    return fromFile
  }
  for (;;) {
    const first = await ask(asking, words.newPassphraseOf(name), '--passphrase-file FILE', true)
    if (isWeak(first)) {
      terminal.err(`${words.weakPassphrase(leastPassphraseChars)}\n`)
      continue
    }
    if ((await ask(asking, words.again(), '--passphrase-file FILE', true)) === first) return first
    terminal.err(`${words.passphrasesDiffer()}\n`)
  }
}

function passphraseIn({ given, words }: Asking): string | null {
  const path = given.value('passphrase-file')
  if (path === null) return null
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/)[0] ?? ''
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed('not_readable', words.notReadable(path, why), { cause })
  }
}
