// The table of commands: what a coordinator can say to `sonde-coordinator`. Everything that is said about the command line, by
// the program itself and by the pages, is made from it.

import type { ProgramWords } from '../tests-spec/command-line/command-words.ts'
import { importCommand } from './commands/import-command.ts'
import type { Command } from './commands/invocation.ts'
import { lintCommand } from './commands/lint-command.ts'

export const sondeCoordinator: ProgramWords<Command> = {
  name: 'sonde-coordinator',
  summary: 'looks through lists of what devices measure, and makes them ready.',
  commands: [lintCommand, importCommand],
  exits: [
    { code: 0, meaning: 'done' },
    { code: 1, meaning: 'lint: the list has errors' },
    { code: 64, meaning: 'wrong usage' },
    { code: 65, meaning: 'the file is no list' },
    { code: 66, meaning: 'the file is not there or cannot be read' },
    { code: 70, meaning: 'a bug' },
    { code: 73, meaning: 'the output is there already or cannot be made' },
    { code: 74, meaning: 'what it is to print to is full or gone' },
  ],
}
