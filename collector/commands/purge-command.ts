// `sonde-collector purge DEVICE`: removes what a probe's batches say, for good, because its host withdrew. Where they stood in their
// chain stays, signed (tests-spec/protocol/tombstone.md), and so does its enrolment record, which the chain begins with.

import { statSync } from 'node:fs'
import * as v from 'valibot'
import { deviceId } from '../../tests-spec/protocol/batch.ts'
import { Archive } from '../archive/archive.ts'
import type { ArchivedBatch } from '../archive/archived-batch.ts'
import { Attempts } from '../archive/attempts.ts'
import { openCollectorKey } from '../archive/collector-key.ts'
import { ProbeRegister } from '../archive/probe-register.ts'
import { makeTombstone } from '../archive/tombstone.ts'
import { indexPath } from '../collector.ts'
import { lockFolder } from '../index/folder-lock.ts'
import { loadSqlite } from '../index/sqlite.ts'
import { deleteIndex } from '../index/sqlite-index.ts'
import { CommandFailed } from './command-failed.ts'
import { type Command, type Invocation, logTo, stateOption, tell } from './invocation.ts'
import { rebuildIndex } from './rebuild-index.ts'
import { existingState } from './state-folder.ts'

export const purgeCommand: Command = {
  name: 'purge',
  summary: 'remove what a probe has sent, for good',
  more: 'The collector must not be running. Without --yes says what would be removed. The index is made again without it. What was copied or exported before is elsewhere. A probe that shall send nothing more: revoke.',
  operands: [
    {
      name: 'DEVICE',
      kind: 'text',
      count: 'one',
      check: (text) => (v.is(deviceId, text) ? null : '32 hex digits'),
    },
  ],
  options: [stateOption, { name: 'yes', help: 'remove it' }],
  run: purge,
}

async function purge({ given, terminal }: Invocation): Promise<number> {
  loadSqlite()
  const state = existingState(given.value('state') ?? '')
  const device = v.parse(deviceId, given.operands[0])
  const key = await openCollectorKey(state)
  const revoked = (await ProbeRegister.open(state, key.id)).isRevoked(device)
  const lock = lockFolder(state)
  try {
    const archive = await Archive.open(state)
    const { batches, gone } = ofDevice(archive, device)
    if (batches.length + gone === 0)
      throw new CommandFailed('unknown_probe', `Nothing in ${state} is of a probe ${device}.`)
    const found = { device, batches: batches.length, removed_before: gone, revoked }
    if (!given.has('yes')) {
      tell(terminal, { event: 'would_purge', ...found })
      return 0
    }
    const hadIndex = statSync(indexPath(state), { throwIfNoEntry: false })?.isFile() ?? false
    // First: cut short anywhere behind this, the next start makes it again of what is left.
    if (hadIndex) await deleteIndex(indexPath(state))
    const attempts = Attempts.open(state)
    for (const batch of batches) {
      await archive.bury(batch.id, makeTombstone(batch, Date.now(), key))
      attempts.done(batch.id)
    }
    const conflicts = await archive.removeConflicts(device)
    // In a new file: SQLite keeps what was deleted until its page is used again.
    if (hadIndex)
      await rebuildIndex(state, logTo(terminal, 'warn'), (progress) => {
        if (progress.event === 'progress') tell(terminal, progress)
      })
    tell(terminal, { event: 'purged', ...found, conflicts })
  } finally {
    lock.release()
  }
  return 0
}

function ofDevice(archive: Archive, device: string) {
  const batches: ArchivedBatch[] = []
  let gone = 0
  for (const scanned of archive.scan()) {
    if (scanned.kind === 'batch' && scanned.batch.manifest.device === device) batches.push(scanned.batch)
    if (scanned.kind === 'gone' && scanned.tombstone.device === device) gone++
  }
  return { batches, gone }
}
