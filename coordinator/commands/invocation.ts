// What a command is given, and what several of them share.

import type { CommandWords, OperandWords, OptionWords } from '../../tests-spec/command-line/command-words.ts'
import type { Given } from '../../tests-spec/command-line/read-command-line.ts'
import { languages, type Words } from '../words/words.ts'
import type { Terminal } from './terminal.ts'

export interface Command extends CommandWords {
  /** @returns The exit code. */
  run(invocation: Invocation): Promise<number>
}

export interface Invocation {
  readonly given: Given
  readonly terminal: Terminal
  /** In the language of the one who reads. */
  readonly words: Words
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export const jsonOption: OptionWords = { name: 'json', help: 'print one JSON object' }
export const listFile: OperandWords = { name: 'FILE', kind: 'file', count: 'one' }
export const langOption: OptionWords = {
  name: 'lang',
  value: { name: 'LANGUAGE', kind: languages },
  help: 'en or fr; as LC_ALL or LANG say unless said',
}
export const dirOption: OptionWords = {
  name: 'dir',
  value: { name: 'DIR', kind: 'dir' },
  help: 'the folder of keys and lists; lists unless said',
}
export const groupOption: OptionWords = {
  name: 'group',
  value: { name: 'NAME', kind: 'text' },
  required: true,
  help: 'whose list it is',
}
export const collectorOption: OptionWords = {
  name: 'collector',
  value: { name: 'URL', kind: 'url' },
  help: 'where the collector is; as said the last time unless said',
}
export const yesOption: OptionWords = { name: 'yes', help: 'ask nothing before it is done' }
export const passphraseOption: OptionWords = {
  name: 'passphrase-file',
  value: { name: 'FILE', kind: 'file' },
  help: 'the passphrase is the first line of this file; asked for unless said',
}
export const workFactorOption: OptionWords = {
  name: 'work-factor',
  value: {
    name: 'N',
    kind: 'text',
    check: (text) => (/^\d+$/.test(text) && Number(text) >= 10 && Number(text) <= 20 ? null : '10 to 20'),
  },
  help: 'how long a guess at a passphrase takes, as a power of two; 18 unless said',
}

export const dirOf = ({ given }: Invocation) => given.value('dir') ?? 'lists'
