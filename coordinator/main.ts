// sonde-coordinator: START HERE. Reads the command line, gives it to a command, and turns the outcome into an exit code.

import { faultLine, faultList } from '../tests-spec/command-line/fault-text.ts'
import { outputLost } from '../tests-spec/command-line/output.ts'
import { plainAnswer } from '../tests-spec/command-line/plain-answer.ts'
import { readCommandLine } from '../tests-spec/command-line/read-command-line.ts'
import { CommandFailed } from './command-failed.ts'
import { sondeCoordinator } from './command-line.ts'
import { type ProcessTerminal, processTerminal } from './commands/terminal.ts'
import { version } from './version.ts'
import { languageOf, type Words, wordsOf } from './words/words.ts'

const { name } = sondeCoordinator

/** Until the command line says otherwise. */
let words: Words = wordsOf(languageOf(null, process.env))

async function main(argv: readonly string[], terminal: ProcessTerminal): Promise<number> {
  const reading = readCommandLine(sondeCoordinator, argv, process.env)
  if (reading.kind === 'faults')
    throw new CommandFailed('bad_usage', faultList('This cannot be done:', reading.faults))
  if (reading.kind !== 'command') {
    terminal.out(plainAnswer(sondeCoordinator, reading, version, terminal.columns))
    return 0
  }
  const { command, given } = reading
  const saysLanguage = command.options.some((option) => option.name === 'lang')
  words = wordsOf(languageOf(saysLanguage ? given.value('lang') : null, process.env))
  return command.run({ given, terminal, words, now: Date.now })
}

/** @returns The exit code. */
function refuse(error: unknown, { err }: ProcessTerminal): number {
  if (error instanceof CommandFailed) {
    err(faultLine(name, error.sentence(words), error.code))
    return error.exitCode
  }
  // A bug. The stack is what a maintainer needs; 70 is EX_SOFTWARE.
  err(`${name}: a bug: ${error instanceof Error ? error.stack : String(error)}\n`)
  return 70
}

const terminal = processTerminal()
const code = await main(process.argv.slice(2), terminal).catch((error) => refuse(error, terminal))
const lost = await terminal.settled()
if (lost !== null) terminal.err(faultLine(name, outputLost.sentence(lost), outputLost.code))
process.exitCode = lost !== null && code === 0 ? outputLost.exitCode : code
