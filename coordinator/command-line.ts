// The table of commands: what a coordinator can say to `sonde-coordinator`. Everything that is said about the command line, by
// the program itself and by the pages, is made from it.

import type { ProgramWords } from '../tests-spec/command-line/command-words.ts'
import { campaignCommand } from './commands/campaign-command.ts'
import { diffCommand } from './commands/diff-command.ts'
import { importCommand } from './commands/import-command.ts'
import { initCommand } from './commands/init-command.ts'
import type { Command } from './commands/invocation.ts'
import { lintCommand } from './commands/lint-command.ts'
import { previewCommand } from './commands/preview-command.ts'
import { revokeCommand, rotateCommand } from './commands/propose-command.ts'
import { publishCommand } from './commands/publish-command.ts'
import { pushCommand } from './commands/push-command.ts'
import { recoverCommand } from './commands/recover-command.ts'
import { signCommand } from './commands/sign-command.ts'
import { statusCommand } from './commands/status-command.ts'
import { withdrawCommand } from './commands/withdraw-command.ts'

export const sondeCoordinator: ProgramWords<Command> = {
  name: 'sonde-coordinator',
  summary: 'makes, signs and publishes the lists of what devices measure.',
  commands: [
    pushCommand,
    diffCommand,
    statusCommand,
    withdrawCommand,
    campaignCommand,
    previewCommand,
    lintCommand,
    importCommand,
    publishCommand,
    initCommand,
    rotateCommand,
    revokeCommand,
    signCommand,
    recoverCommand,
  ],
  exits: [
    { code: 0, meaning: 'done' },
    { code: 1, meaning: 'the list has errors, or what was asked was answered with no: nothing was done' },
    { code: 64, meaning: 'wrong usage' },
    { code: 65, meaning: 'the file is no list, key, sheet or folder of lists, or is not whole' },
    { code: 66, meaning: 'the file is not there or cannot be read' },
    { code: 69, meaning: 'the collector cannot be reached, or publishes no lists' },
    { code: 70, meaning: 'a bug' },
    { code: 73, meaning: 'the output is there already or cannot be made' },
    { code: 74, meaning: 'what it is to print to is full or gone' },
    { code: 75, meaning: 'the collector is busy: again in a minute' },
    { code: 76, meaning: 'the collector refused what was sent, or is not to be believed' },
    { code: 77, meaning: 'the passphrase is wrong, or the key may not sign for this' },
    { code: 78, meaning: 'what the offline keys signed has expired, or the clock is wrong' },
  ],
}
