// Help, made from the table: of a program, and of one command. It fits the columns it is given, 40 included.

import {
  allCommands,
  type CommandWords,
  everyCommandsOptions,
  optionHelp,
  optionText,
  type ProgramWords,
  summaryOf,
  usageOf,
} from './command-words.ts'
import { wrapWords } from './wrap-words.ts'

/** @returns What the program does, its commands, and its exit codes. */
export function programHelp(program: ProgramWords, columns: number): string {
  const { name, summary, exits } = program
  const commands = allCommands(program)
  const rows = commands.map((each) => [`${name} ${usageOf(each)}`, summaryOf(each)] as const)
  const codes = exits.map(({ code, meaning }) => `${code} ${meaning}`).join(', ')
  return [
    wrapWords(`${name}: ${summary}`, columns),
    '',
    ...twoColumns(rows, columns),
    '',
    wrapWords(`${name} help COMMAND says what each takes; ${name} --version which one this is.`, columns),
    '',
    wrapWords(`Exit codes: ${codes}.`, columns),
    '',
  ].join('\n')
}

/** @returns What one command does and takes. */
export function commandHelp(program: ProgramWords, command: CommandWords, columns: number): string {
  const { more, options, exits = [] } = command
  const rows = [...options, ...everyCommandsOptions].map(
    (each) => [optionText(each), optionHelp(each)] as const,
  )
  const codes = exits.map(({ code, meaning }) => `${code} ${meaning}`).join(', ')
  return [
    wrapWords(`${program.name} ${usageOf(command)}: ${summaryOf(command)}.`, columns),
    ...(more === undefined ? [] : ['', wrapWords(more, columns)]),
    '',
    ...twoColumns(rows, columns),
    ...(codes === '' ? [] : ['', wrapWords(`Exit codes of its own: ${codes}.`, columns)]),
    '',
  ].join('\n')
}

/** What stands left keeps its line; what explains it goes beside it, or below it where that is too narrow. */
function twoColumns(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const width = Math.min(30, Math.max(...rows.map(([left]) => left.length)))
  const beside = columns - width - 4
  const indent = ' '.repeat(beside < 24 ? 6 : width + 4)
  return rows.flatMap(([left, right]) => {
    const lines = wrapWords(right, columns - indent.length).split('\n')
    if (beside < 24 || left.length > width) return [`  ${left}`, ...lines.map((line) => indent + line)]
    const [first = '', ...rest] = lines
    return [`  ${left.padEnd(width)}  ${first}`, ...rest.map((line) => indent + line)]
  })
}
