// `sonde export`, `import-receipts`, `carry`: what a person with a stick can do, whether an agent runs here or not.

import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { type AgeRecipient, readAgeRecipient } from '../../tests-spec/protocol/age.ts'
import { readTestList } from '../assemble/named-files.ts'
import { openClock } from '../assemble/open-clock.ts'
import { carriedIn, openOwnSpool } from '../assemble/open-spool.ts'
import { openSpoolAccess } from '../assemble/open-spool-access.ts'
import { type Collector, readEnrolment } from '../enrolment/enrolment.ts'
import { knownRecipient, learnRecipient } from '../enrolment/recipient.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { type Identity, openIdentity } from '../platform/identity.ts'
import { takeLock } from '../platform/lock.ts'
import { carry } from '../stick/carry.ts'
import { exportBatches } from '../stick/export-batches.ts'
import { ExportLedger } from '../stick/export-ledger.ts'
import { importReceipts } from '../stick/import-receipts.ts'
import type { SpoolAccess } from '../stick/spool-access.ts'
import { connectSpool } from '../stick/spool-socket.ts'
import { Stick } from '../stick/stick.ts'
import type { Invocation } from './commands.ts'
import { carriedText, exportedText, importedText } from './stick-text.ts'

export async function exportToStick(invocation: Invocation): Promise<number> {
  const { folder, json, terminalOut } = invocation
  const stick = stickOf(invocation, 'export')
  const collector = enrolledCollector(invocation)
  const recipient = await recipientFor(invocation, collector)
  const ledger = await ExportLedger.open(folder.exports)
  const report = await withSpool(invocation, collector, ({ spool }) =>
    exportBatches({ spool, stick, recipient, ledger, random: randomBytes }),
  )
  terminalOut.out(json ? jsonLine(report) : exportedText(report, stick.path))
  // As for any command that the state folder's own disk refuses.
  return report.sealed ? 0 : 73
}

export async function importFromStick(invocation: Invocation): Promise<number> {
  const { folder, json, terminalOut } = invocation
  const stick = stickOf(invocation, 'import-receipts')
  const collector = enrolledCollector(invocation)
  const ledger = await ExportLedger.open(folder.exports)
  const report = await withSpool(invocation, collector, ({ spool, identity: { device } }) =>
    importReceipts({
      spool,
      stick,
      ledger,
      device,
      ...collector,
      onReceipt: (receipt) => learnRecipient(folder.recipient, collector, receipt),
    }),
  )
  terminalOut.out(json ? jsonLine(report) : importedText(report, stick.path))
  return 0
}

export async function carryForOthers(invocation: Invocation): Promise<number> {
  const { folder, config, json, terminalOut } = invocation
  const stick = stickOf(invocation, 'carry')
  // Whoever has no collector cannot bring anything to it.
  enrolledCollector(invocation)
  const ledger = await ExportLedger.open(folder.exports)
  const report = await carry(stick, carriedIn(folder, config), ledger)
  terminalOut.out(json ? jsonLine(report) : carriedText(report, stick.path))
  return 0
}

function jsonLine(report: object): string {
  return `${JSON.stringify(report, null, 2)}\n`
}

function stickOf({ operands }: Invocation, command: string): Stick {
  const [path] = operands
  if (path === undefined || operands.length > 1)
    throw new ActionableError('bad_usage', `Say where the stick is: sonde ${command} DIR`)
  return Stick.open(path)
}

function enrolledCollector({ folder }: Invocation): Collector {
  const collector = readEnrolment(folder.enrolment)
  if (collector !== null) return collector
  throw new ActionableError(
    'not_enrolled',
    'This device is not enrolled, so no collector would know its batches. Enrol it first: sonde enrol URL TOKEN',
  )
}

async function recipientFor(
  { folder, recipient: given }: Invocation,
  collector: Collector,
): Promise<AgeRecipient> {
  if (given !== null) {
    const recipient = readAgeRecipient(given)
    if (recipient !== null) return recipient
    throw new ActionableError(
      'bad_usage',
      'What follows --recipient is not a recipient. It begins with "age1"; copy all of it, as one word.',
    )
  }
  const recipient = await knownRecipient(folder.recipient, collector)
  if (recipient !== null) return recipient
  throw new ActionableError(
    'no_recipient',
    'This device was not told yet whom to seal to. It learns that at its next upload. Without one, ask the coordinator for the line beginning with "age1" and give it: sonde export DIR --recipient age1…',
  )
}

interface Opened {
  readonly spool: SpoolAccess
  readonly identity: Identity
}

/** Opens the spool, or asks the agent that has it open. */
async function withSpool<T>(
  invocation: Invocation,
  collector: Collector,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const { folder, config, machine } = invocation
  const identity = await openIdentity(folder.deviceKey)
  const asked = await connectSpool(folder.socket)
  if (asked !== null) {
    try {
      return await use({ spool: asked, identity })
    } finally {
      asked.close()
    }
  }
  refuseForeignFolder(folder.path)
  const lock = takeLock(folder.lock)
  try {
    const clock = await openClock(folder, machine, silent)
    const spool = await openOwnSpool(folder, config, clock, identity, readTestList(config))
    try {
      return await use({ spool: openSpoolAccess(spool, collector, identity.device), identity })
    } finally {
      await spool.close()
    }
  } finally {
    lock.release()
  }
}

/** The log is the agent's: what happens here is said to whoever gave the command. */
const silent = { info: () => {}, warn: () => {} }

/** What root writes into another user's spool, that user's agent could not open any more. */
function refuseForeignFolder(path: string): void {
  if (process.getuid?.() !== 0 || statSync(path).uid === 0) return
  throw new ActionableError(
    'state_unwritable',
    `The state folder ${path} belongs to another user, whose agent does not run. Start the agent, or give this command as that user.`,
  )
}
