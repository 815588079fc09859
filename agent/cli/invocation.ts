// What a command is given: what stands on its line, and the process around it.

import type { CommandWords } from '../../tests-spec/command-line/command-words.ts'
import type { Given } from '../../tests-spec/command-line/read-command-line.ts'
import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import type { Surroundings } from '../assemble/assemble.ts'
import { readCas, readListsRoot, readTestList } from '../assemble/named-files.ts'
import { type Config, loadConfig } from '../config.ts'
import type { MachineClocks } from '../platform/clock.ts'
import { makeStateFolder, usualConfigPath } from '../platform/state-folder.ts'
import type { Terminal } from './terminal.ts'

export interface Command extends CommandWords {
  /** Whether it ends with the terminal it was started from. Others finish what they do. */
  readonly endsWithTerminal?: true
  /** @returns The exit code. */
  run(invocation: Invocation): Promise<number>
}

export interface Invocation {
  readonly given: Given
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  readonly machine: MachineClocks
  /** What a person types, or a pipe gives. */
  input(): NodeJS.ReadableStream
  /** Fires when somebody wants the command to end. */
  readonly signal: AbortSignal
  /** Resolves after `ms` milliseconds, or at once when the signal, or the other one given here, fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** @throws {ActionableError} `bad_config`. */
export function configOf({ given, env }: Invocation): Config {
  return loadConfig(given.value('config'), env, usualConfigPath(given.value('state'), env))
}

/**
 * What the agent is assembled from, in a state folder that is made where there is none; lines of its log go to whoever
 * stands at the terminal.
 */
export function surroundingsOf(invocation: Invocation): Surroundings {
  const { given, env } = invocation
  const means = meansOf(invocation)
  return { ...means, folder: makeStateFolder(given.value('state'), env) }
}

/** As `surroundingsOf()`, without the state folder, of which nothing is made. */
export function meansOf(invocation: Invocation): Omit<Surroundings, 'folder'> {
  const { machine, signal, sleep, terminal } = invocation
  // First, with the files that it names: a mistyped name shall make no folder.
  const config = configOf(invocation)
  readTestList(config)
  readCas(config)
  readListsRoot(config)
  return {
    config,
    machine,
    signal,
    sleep,
    terminal: (line) => sayLine(terminal, line),
  }
}

/** A line of the log, over a progress bar that may stand there. */
function sayLine({ err, drawn, interactive, columns }: Terminal, line: string): void {
  if (interactive) drawn.err('\r\u001b[2K')
  err(`${interactive ? wrapWords(line, columns) : line}\n`)
}
