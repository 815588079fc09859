// What a program answers by its table alone, before it does anything: help, its version, a script for a shell.

import type { CommandWords, ProgramWords } from './command-words.ts'
import { completionScript } from './completion.ts'
import { commandHelp, programHelp } from './help-text.ts'
import type { Reading } from './read-command-line.ts'

export type Asked = Exclude<Reading<CommandWords>, { readonly kind: 'command' | 'faults' }>

/** @param columns - Of the terminal that shows it. */
export function plainAnswer(program: ProgramWords, asked: Asked, version: string, columns: number): string {
  switch (asked.kind) {
    case 'version':
      return `${program.name} ${version}\n`
    case 'completion':
      return completionScript(program, asked.shell)
    case 'help':
      return asked.command === null
        ? programHelp(program, columns)
        : commandHelp(program, asked.command, columns)
    default:
      return asked satisfies never
  }
}
