// What a command is given, and what several of them share.

import type { CommandWords, OptionWords } from '../../tests-spec/command-line/command-words.ts'
import type { Given } from '../../tests-spec/command-line/read-command-line.ts'
import { type Log, type LogLevel, openLog } from '../log.ts'
import type { Terminal } from './terminal.ts'

export interface Command extends CommandWords {
  /** @returns The exit code. */
  run(invocation: Invocation): Promise<number>
}

export interface Invocation {
  readonly given: Given
  readonly terminal: Terminal
}

const stateValue = { value: { name: 'DIR', kind: 'dir' }, variable: 'SONDE_STATE' } as const

/** Of commands that nobody can do without a state folder. */
export const stateOption: OptionWords = {
  name: 'state',
  ...stateValue,
  required: true,
  help: 'where everything is kept',
}

export const jsonOption: OptionWords = { name: 'json', help: 'print one JSON object' }

export function logTo({ err }: Terminal, level: LogLevel): Log {
  return openLog(err, Date.now, level)
}

export function tell({ out }: Terminal, line: object): void {
  out(`${JSON.stringify(line)}\n`)
}
