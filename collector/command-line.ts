// The table of commands: what an operator can say to `sonde-collector`. Everything that is said about the command line, by
// the program itself and by the pages, is made from it.

import type { ProgramWords } from '../tests-spec/command-line/command-words.ts'
import { exportCommand } from './commands/export-command.ts'
import { importCommand } from './commands/import-command.ts'
import type { Command } from './commands/invocation.ts'
import { listsKeysCommand } from './commands/lists-keys-command.ts'
import { logsCommand } from './commands/logs-command.ts'
import { probesCommand } from './commands/probes-command.ts'
import { purgeCommand } from './commands/purge-command.ts'
import { rebuildIndexCommand } from './commands/rebuild-index-command.ts'
import { recipientCommand } from './commands/recipient-command.ts'
import { retryCommand } from './commands/retry-command.ts'
import { revokeCommand } from './commands/revoke-command.ts'
import { serveCommand } from './commands/serve-command.ts'
import { suspectCommand } from './commands/suspect-command.ts'
import { tokenCommand } from './commands/token-command.ts'
import { verifyCommand } from './commands/verify-command.ts'

export const sondeCollector: ProgramWords<Command> = {
  name: 'sonde-collector',
  summary: 'receives batches from probes, keeps them, signs for them, and shows what is in them.',
  commands: [
    serveCommand,
    tokenCommand,
    importCommand,
    recipientCommand,
    listsKeysCommand,
    probesCommand,
    logsCommand,
    revokeCommand,
    suspectCommand,
    purgeCommand,
    rebuildIndexCommand,
    retryCommand,
    exportCommand,
    verifyCommand,
  ],
  exits: [
    { code: 0, meaning: 'done' },
    { code: 1, meaning: 'verify, import: something is not good or was not taken' },
    { code: 64, meaning: 'wrong usage' },
    { code: 66, meaning: 'state folder not there, not readable or damaged, or no such probe or batch in it' },
    { code: 69, meaning: 'port in use, host not ours, or Node.js too old' },
    { code: 70, meaning: 'a bug' },
    { code: 73, meaning: "state folder or output cannot be made or written, or the folder is an agent's" },
    { code: 74, meaning: 'the stick, the output or what it is to print to is full or gone' },
    { code: 75, meaning: 'another sonde-collector uses the state folder' },
    { code: 78, meaning: 'bad endpoints file, root of lists or table of networks' },
  ],
}
