// The table of commands: what a person can say to `sonde`. Everything that is said about the command line, by the program
// itself and by the pages, is made from it.

import type { ProgramWords } from '../../tests-spec/command-line/command-words.ts'
import { consentCommand } from './consent-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { enrolCommand } from './enrol-command.ts'
import { eraseCommand } from './erase-command.ts'
import type { Command } from './invocation.ts'
import { logsCommand } from './logs-command.ts'
import { onceCommand } from './once-command.ts'
import { pauseCommand, resumeCommand } from './pause-command.ts'
import { runCommand } from './run-command.ts'
import { setupCommand } from './setup-command.ts'
import { statusCommand } from './status-command.ts'
import { statutCommand } from './statut-command.ts'
import { carryCommand, exportCommand, importReceiptsCommand } from './stick-commands.ts'
import { verifyCommand } from './verify-command.ts'

export const sonde: ProgramWords<Command> = {
  name: 'sonde',
  summary: 'measures what can be reached from here, keeps it, and sends it on.',
  commands: [
    runCommand,
    onceCommand,
    statusCommand,
    statutCommand,
    doctorCommand,
    setupCommand,
    consentCommand,
    pauseCommand,
    resumeCommand,
    logsCommand,
    eraseCommand,
    enrolCommand,
    exportCommand,
    importReceiptsCommand,
    carryCommand,
    verifyCommand,
  ],
  exits: [
    { code: 0, meaning: 'done; an anomaly is a result and no error' },
    {
      code: 1,
      meaning:
        'verify: a file or a chain is not good; setup, consent: the host has not agreed; erase: something stays; doctor: something is not well',
    },
    { code: 3, meaning: 'status: no agent is running' },
    { code: 4, meaning: 'status: the agent is late' },
    { code: 64, meaning: 'wrong usage' },
    { code: 66, meaning: "state folder not there, damaged, not readable or a collector's" },
    { code: 69, meaning: 'not enrolled, enrolment failed or no recipient' },
    { code: 70, meaning: 'a bug' },
    { code: 73, meaning: 'state folder not writable' },
    { code: 74, meaning: 'the disk took no results, or the stick or what it is to print to is full or gone' },
    { code: 75, meaning: 'another agent is running, or the host has ordered a pause' },
    { code: 78, meaning: 'bad configuration or test list' },
    { code: 130, meaning: 'stopped at once, by a second Ctrl-C' },
  ],
}
