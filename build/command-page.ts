// The part of docs/configuration.md about the command lines, made from the tables of commands. `npx tsx
// build/command-page.ts` writes it between the marks of the page; a test checks that the page is up to date.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  allCommands,
  everyCommandsOptions,
  optionHelp,
  optionText,
  type ProgramWords,
  summaryOf,
  usageOf,
} from '../tests-spec/command-line/command-words.ts'
import { programs } from './man.ts'

const page = fileURLToPath(new URL('../docs/configuration.md', import.meta.url))

/**
 * @returns The page, with every block as the tables have it now.
 * @throws When the marks of a block are missing.
 */
export function withCommands(text: string): string {
  return programs.reduce((done, program) => {
    const [begin, end] = [
      `<!-- commands of ${program.name}: made by build/command-page.ts -->`,
      '<!-- end -->',
    ]
    const from = done.indexOf(begin)
    const to = done.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`The page has no place for the commands of ${program.name}`)
    return `${done.slice(0, from)}${begin}\n\n${block(program)}\n${done.slice(to)}`
  }, text)
}

function block(program: ProgramWords): string {
  const commands = allCommands(program)
  const usages = commands.map((command) => `${program.name} ${usageOf(command)}`)
  const width = Math.max(...usages.map((usage) => usage.length))
  return [
    '```',
    ...commands.map((command, i) => `${usages[i]?.padEnd(width)}  ${summaryOf(command)}`),
    '```',
    '',
    ...table(['option', 'of', 'meaning'], optionRows(program)),
    '',
    ...table(
      ['exit', 'meaning'],
      program.exits.map(({ code, meaning }) => [String(code), meaning]),
    ),
    '',
  ].join('\n')
}

/** An option that means the same for several commands has one row. */
function optionRows(program: ProgramWords): string[][] {
  const rows = new Map<string, string[]>()
  for (const { name, options } of program.commands) {
    for (const option of options) {
      const key = JSON.stringify([optionText(option), optionHelp(option)])
      rows.set(key, [...(rows.get(key) ?? []), name])
    }
  }
  const common = everyCommandsOptions.map((option) => [
    `\`${optionText(option)}\``,
    'all',
    optionHelp(option),
  ])
  const own = [...rows].map(([key, names]) => {
    const [text, help] = JSON.parse(key)
    return [`\`${text}\``, names.join(', '), help]
  })
  return [...own, ...common]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  return [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(page, withCommands(readFileSync(page, 'utf8')))
}
