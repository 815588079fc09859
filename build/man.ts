// The manual pages sonde(1), sonde-collector(1) and sonde-coordinator(1), made from the tables of commands together with the bundles:
// man(7) macros, which every man(1) reads. The date is that of the source, so that two builds of one tree are the
// same.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sonde } from '../agent/cli/commands.ts'
import { sondeCollector } from '../collector/command-line.ts'
import { sondeCoordinator } from '../coordinator/command-line.ts'
import {
  allCommands,
  type CommandWords,
  type ExitWords,
  everyCommandsOptions,
  type OptionWords,
  optionHelp,
  type ProgramWords,
  summaryOf,
  usageOf,
} from '../tests-spec/command-line/command-words.ts'
import { wrapWords } from '../tests-spec/command-line/wrap-words.ts'

/** The programs that have a page. */
export const programs: readonly ProgramWords[] = [sonde, sondeCollector, sondeCoordinator]

export interface Edition {
  readonly version: string
  /** Milliseconds since 1970. */
  readonly dateMs: number
}

/** Writes `NAME.1` for each program. */
export async function writeManPages(folder: string, edition: Edition): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const program of programs)
    await writeFile(join(folder, `${program.name}.1`), manPage(program, edition))
}

export function manPage(program: ProgramWords, { version, dateMs }: Edition): string {
  const { name, summary, exits } = program
  const date = new Date(dateMs).toISOString().slice(0, 10)
  return `${[
    `.TH ${name.toUpperCase()} 1 "${date}" "${name} ${version}" "Sonde"`,
    '.SH NAME',
    prose(`${name} - ${summary.replace(/\.$/, '')}`),
    '.SH SYNOPSIS',
    `.B ${plain(name)}`,
    `.I COMMAND`,
    '[options] [operands]',
    '.SH DESCRIPTION',
    prose(
      'Options may stand anywhere on the line, and -- ends them. --state DIR and --state=DIR are the same.',
    ),
    ...everyCommandsOptions.flatMap(optionLines),
    '.SH COMMANDS',
    ...allCommands(program).flatMap((command) => commandLines(name, command)),
    '.SH EXIT STATUS',
    ...exits.flatMap(exitLines),
    ...(variablesOf(program).length > 0 ? ['.SH ENVIRONMENT'] : []),
    ...variablesOf(program).flatMap(([variable, option]) => [
      '.TP',
      `.B ${plain(variable)}`,
      `what --${option} says when it is not given`.replaceAll('-', '\\-'),
    ]),
    '.SH SEE ALSO',
    programs
      .filter((other) => other.name !== name)
      .map((other) => `.BR ${plain(other.name)} (1)`)
      .join('\n'),
  ].join('\n')}\n`
}

function commandLines(program: string, { more, options, exits = [], ...command }: CommandWords): string[] {
  const summary = summaryOf({ options, ...command })
  return [
    `.SS "${plain(`${program} ${usageOf({ options, ...command })}`)}"`,
    prose(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    ...(more ?? '')
      .split('\n')
      .filter(Boolean)
      .flatMap((line) => ['.PP', prose(line)]),
    ...options.flatMap(optionLines),
    ...exits.flatMap(exitLines),
  ]
}

function optionLines(option: OptionWords): string[] {
  const { name, short, value } = option
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`
  const tag = value === undefined ? `.B "${plain(names)}"` : `.BI "${plain(names)} " "${plain(value.name)}"`
  return ['.TP', tag, prose(optionHelp(option))]
}

function exitLines({ code, meaning }: ExitWords): string[] {
  return ['.TP', `.B ${code}`, prose(meaning)]
}

function variablesOf(program: ProgramWords): [variable: string, option: string][] {
  const all = program.commands.flatMap(({ options }) => options)
  return [...new Map(all.flatMap(({ name, variable }) => (variable === undefined ? [] : [[variable, name]])))]
}

/** Breaks text into lines that stay short when they are escaped: mandoc(1) wants them below 80 characters. */
function prose(text: string): string {
  return wrapWords(text, 60).split('\n').map(plain).join('\n')
}

/** Text that troff prints unchanged: with hyphens that can be copied, and no line that looks like a request. */
function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll('…', '...')
    .replace(/^([.'])/, '\\&$1')
}
