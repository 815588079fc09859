// What a command is given, and what most of them begin with: a state folder that is there.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandWords, OptionWords } from '../../tests-spec/command-line/command-words.ts'
import type { Given } from '../../tests-spec/command-line/read-command-line.ts'
import { collectorKeyPath } from '../archive/collector-key.ts'
import { type Log, type LogLevel, openLog } from '../log.ts'
import { CommandFailed } from './command-failed.ts'
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

/**
 * The folder of `--state`, which an earlier `serve` or `token` made: a mistyped name makes nothing.
 * @throws {CommandFailed} `no_state`.
 */
export function existingState(state: string): string {
  if (existsSync(collectorKeyPath(state)) || existsSync(join(state, 'batches'))) return state
  throw new CommandFailed(
    'no_state',
    `There is no collector's state in ${state}. Name the folder that it serves with --state DIR.`,
  )
}

export function logTo({ err }: Terminal, level: LogLevel): Log {
  return openLog(err, Date.now, level)
}

export function tell({ out }: Terminal, line: object): void {
  out(`${JSON.stringify(line)}\n`)
}
