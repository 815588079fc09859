// `sonde-collector import DIR`: takes the folder when nobody has it, and asks the collector that serves it when one does;
// import-stick.ts says what is done with the stick.

import { openCollector } from '../collector.ts'
import { FolderInUse, type FolderLock, lockFolder } from '../index/folder-lock.ts'
import { loadSqlite } from '../index/sqlite.ts'
import { importShown, importStick } from './import-stick.ts'
import { type Command, type Invocation, jsonOption, logTo, stateOption } from './invocation.ts'
import { sealedTakerAt } from './serving-address.ts'
import { existingState } from './state-folder.ts'

export const importCommand: Command = {
  name: 'import',
  summary: 'take in what probes exported to a stick, write the receipts',
  more: 'Works while the collector serves, and while it does not. Nothing on the stick is changed or removed, and importing again is safe.',
  operands: [{ name: 'DIR', kind: 'dir', count: 'one' }],
  options: [stateOption, jsonOption],
  exits: [{ code: 1, meaning: 'something was not taken, or a receipt not written' }],
  run: importFrom,
}

async function importFrom({ given, terminal }: Invocation): Promise<number> {
  loadSqlite()
  const state = existingState(given.value('state') ?? '')
  const stick = given.operands[0] ?? ''
  const lock = lockOrNull(state)
  const log = logTo(terminal, 'warn')
  const collector = lock === null ? null : await openCollector({ state, log, now: Date.now, openIndex: null })
  try {
    const take =
      collector === null ? await sealedTakerAt(state) : (bytes: Buffer) => collector.sealedIntake.take(bytes)
    const report = await importStick(stick, take)
    terminal.out(importShown(report, stick, given.has('json')))
    return report.complete ? 0 : 1
  } finally {
    await collector?.stop()
    lock?.release()
  }
}

function lockOrNull(state: string): FolderLock | null {
  try {
    return lockFolder(state)
  } catch (error) {
    if (error instanceof FolderInUse) return null
    throw error
  }
}
