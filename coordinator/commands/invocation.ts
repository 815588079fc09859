// What a command is given, and what several of them share.

import type { CommandWords, OperandWords, OptionWords } from '../../tests-spec/command-line/command-words.ts'
import type { Given } from '../../tests-spec/command-line/read-command-line.ts'
import type { Terminal } from './terminal.ts'

export interface Command extends CommandWords {
  /** @returns The exit code. */
  run(invocation: Invocation): Promise<number>
}

export interface Invocation {
  readonly given: Given
  readonly terminal: Terminal
}

export const jsonOption: OptionWords = { name: 'json', help: 'print one JSON object' }
export const listFile: OperandWords = { name: 'FILE', kind: 'file', count: 'one' }
