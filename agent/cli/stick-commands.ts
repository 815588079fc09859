// `sonde export`, `import-receipts`, `carry`: what a person with a stick can do, whether an agent runs here or not.

import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { maxListsBytes } from '../../tests-spec/lists/lists-upload.ts'
import { type AgeRecipient, readAgeRecipient } from '../../tests-spec/protocol/age.ts'
import { openClock } from '../assemble/open-clock.ts'
import { Lists } from '../assemble/open-lists.ts'
import { carriedIn, openOwnSpool } from '../assemble/open-spool.ts'
import { openSpoolAccess } from '../assemble/open-spool-access.ts'
import { type Collector, readEnrolment } from '../enrolment/enrolment.ts'
import { knownRecipient, learnRecipient } from '../enrolment/recipient.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { type Identity, openIdentity } from '../platform/identity.ts'
import { takeLock } from '../platform/lock.ts'
import { makeStateFolder, openStateFolder, type StateFolder } from '../platform/state-folder.ts'
import { carry } from '../stick/carry.ts'
import { exportBatches } from '../stick/export-batches.ts'
import { ExportLedger } from '../stick/export-ledger.ts'
import { importReceipts } from '../stick/import-receipts.ts'
import type { SpoolAccess } from '../stick/spool-access.ts'
import { connectSpool } from '../stick/spool-socket.ts'
import { Stick } from '../stick/stick.ts'
import { bringLists } from '../update/brought-lists.ts'
import { type Command, configOf, type Invocation } from './invocation.ts'
import { configOption, jsonOption, stateOption } from './options.ts'
import { allowedBy, standingOf } from './standing.ts'
import { carriedText, exportedText, importedText, listsText } from './stick-text.ts'

const dirOperand = { name: 'DIR', kind: 'dir', count: 'one' } as const
const options = [stateOption, configOption, jsonOption]

export const exportCommand: Command = {
  name: 'export',
  summary: 'put what waits on a stick, sealed to the collector',
  more: 'DIR is where the stick is mounted. Works whether an agent runs or not; nothing is deleted.',
  operands: [dirOperand],
  options: [
    ...options,
    {
      name: 'recipient',
      value: { name: 'KEY', kind: 'text', check: whyNoRecipient },
      help: 'whom to seal to (age1...), when this device was not told yet',
    },
  ],
  run: exportToStick,
}

export const importReceiptsCommand: Command = {
  name: 'import-receipts',
  summary: 'forget what the receipts on a stick speak of, and take up test lists from it',
  operands: [dirOperand],
  options,
  run: importFromStick,
}

export const carryCommand: Command = {
  name: 'carry',
  summary: "take other devices' sealed files along, and give back receipts",
  more: 'Works whether an agent runs or not.',
  operands: [dirOperand],
  options,
  run: carryForOthers,
}

async function exportToStick(invocation: Invocation): Promise<number> {
  const { folder, stick, collector } = openFor(invocation)
  const lists = await takeLists(stick, folder)
  const recipient = await recipientFor(invocation, folder, collector)
  const ledger = await ExportLedger.open(folder.exports)
  const report = await withSpool(invocation, folder, collector, ({ spool }) =>
    exportBatches({ spool, stick, recipient, ledger, random: randomBytes }),
  )
  print(invocation, { ...report, lists }, exportedText(report, stick.path) + listsText(lists))
  // As for any command that the state folder's own disk refuses.
  return report.sealed ? 0 : 73
}

async function importFromStick(invocation: Invocation): Promise<number> {
  const { folder, stick, collector } = openFor(invocation)
  const lists = await takeLists(stick, folder)
  const ledger = await ExportLedger.open(folder.exports)
  const report = await withSpool(invocation, folder, collector, ({ spool, identity: { device } }) =>
    importReceipts({
      spool,
      stick,
      ledger,
      device,
      ...collector,
      onReceipt: (receipt) => learnRecipient(folder.recipient, collector, receipt),
    }),
  )
  print(invocation, { ...report, lists }, importedText(report, stick.path) + listsText(lists))
  return 0
}

async function carryForOthers(invocation: Invocation): Promise<number> {
  // Whoever has no collector cannot bring anything to it.
  const { folder, stick } = openFor(invocation)
  const lists = await takeLists(stick, folder)
  const ledger = await ExportLedger.open(folder.exports)
  const report = await carry(stick, carriedIn(folder, configOf(invocation)), ledger)
  print(invocation, { ...report, lists }, carriedText(report, stick.path) + listsText(lists))
  return 0
}

function print({ given, terminal }: Invocation, report: object, text: string): void {
  terminal.out(given.has('json') ? `${JSON.stringify(report, null, 2)}\n` : text)
}

/**
 * Lists lie on the same sticks, and are put before the agent, whatever the person came for.
 * @returns Number of files that wait for it.
 */
async function takeLists(stick: Stick, folder: StateFolder): Promise<number> {
  let taken = 0
  for (const name of stick.files('.slr')) {
    const bytes = await stick.read(name, maxListsBytes)
    if (bytes !== null && (await bringLists(folder.lists, bytes))) taken += 1
  }
  return taken
}

/** Finds out what is missing before anything is written. */
function openFor({ given, env }: Invocation) {
  const folder = openStateFolder(given.value('state'), env)
  const stick = Stick.open(given.operands[0] ?? '')
  const collector = enrolledCollector(folder)
  // An older agent did not have all of its folders.
  return { folder: makeStateFolder(folder.path, env), stick, collector }
}

function enrolledCollector(folder: StateFolder): Collector {
  const collector = readEnrolment(folder.enrolment)
  if (collector !== null) return collector
  throw new ActionableError(
    'not_enrolled',
    'This device is not enrolled, so no collector would know its batches. Enrol it first: sonde enrol URL TOKEN',
  )
}

function whyNoRecipient(text: string): string | null {
  return readAgeRecipient(text) === null ? 'one that begins with "age1", all of it, as one word' : null
}

async function recipientFor(
  { given }: Invocation,
  folder: StateFolder,
  collector: Collector,
): Promise<AgeRecipient> {
  const said = readAgeRecipient(given.value('recipient') ?? '')
  if (said !== null) return said
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
  folder: StateFolder,
  collector: Collector,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const config = configOf(invocation)
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
    const clock = await openClock(folder, invocation.machine, silent)
    // A batch that is sealed here names the lists by which it was measured, as a running agent's would.
    const standing = await standingOf(folder, config, invocation.machine.wallMs())
    const allowed = () => allowedBy(standing)
    const lists = await Lists.open({ folder, config, collector, clock, log: silent, allowed })
    const { versions } = lists.inForce
    const spool = await openOwnSpool(folder, config, clock, identity, () => versions)
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
const silent = { info: () => {}, warn: () => {}, error: () => {} }

/** What root writes into another user's spool, that user's agent could not open any more. */
function refuseForeignFolder(path: string): void {
  if (process.getuid?.() !== 0 || statSync(path).uid === 0) return
  throw new ActionableError(
    'state_unwritable',
    `The state folder ${path} belongs to another user, whose agent does not run. Start the agent, or give this command as that user.`,
  )
}
