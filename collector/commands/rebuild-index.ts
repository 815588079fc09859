// `sonde-collector rebuild-index`: the index again, from nothing but the archive.

import { existsSync } from 'node:fs'
import { rename, stat } from 'node:fs/promises'
import { type KeyLookup, onlyKey } from '../../tests-spec/protocol/dsse.ts'
import { Archive } from '../archive/archive.ts'
import { Attempts } from '../archive/attempts.ts'
import { collectorKeyPath, openCollectorKey } from '../archive/collector-key.ts'
import { indexPath, readBatch } from '../collector.ts'
import { Indexer } from '../index/indexer.ts'
import { deleteIndex, SqliteIndex } from '../index/sqlite-index.ts'
import type { Log } from '../log.ts'
import { CommandFailed } from './command-failed.ts'

/** Batches between two lines of progress: about one a second. */
const progressEvery = 200

export interface Progress {
  readonly event: 'progress' | 'rebuilt'
  readonly batches: number
  readonly of: number
  /** Files that are no longer what was written. They are left as they are. */
  readonly damaged: number
}

/**
 * Makes a new index beside the old one and puts it in its place when it is whole: ended early, the old one stays.
 *
 * @param tell - Called with how far it is, the last time with `rebuilt`.
 */
export async function rebuildIndex(
  state: string,
  log: Pick<Log, 'warn' | 'error'>,
  tell: (progress: Progress) => void,
): Promise<void> {
  const old = await stat(indexPath(state)).catch(() => null)
  if (old?.isDirectory())
    throw new CommandFailed('state_unusable', `${indexPath(state)} is a folder: move it away, and try again.`)
  const archive = await Archive.open(state)
  const scanned = [...archive.scan()].filter(({ kind }) => kind !== 'gone')
  const path = `${indexPath(state)}.rebuilding`
  await deleteIndex(path)
  const index = await SqliteIndex.open(path)
  const keyOf = await keyLookup(state)
  const indexer = new Indexer({
    index,
    read: (id) => readBatch(archive, id, keyOf),
    intakeUnderWay: () => 0,
    log,
    attempts: Attempts.open(state),
  })
  let batches = 0
  let damaged = 0
  for (const each of scanned) {
    if (each.kind === 'batch') {
      indexer.offer(each.batch.id)
      await indexer.settled()
      batches++
    } else if (each.kind === 'damaged') {
      log.error('archive_damaged', { path: each.path, problem: each.problem })
      damaged++
    }
    if ((batches + damaged) % progressEvery === 0)
      tell({ event: 'progress', batches, of: scanned.length, damaged })
  }
  await indexer.allTried()
  index.close()
  await deleteIndex(indexPath(state))
  await rename(path, indexPath(state))
  tell({ event: 'rebuilt', batches, of: scanned.length, damaged })
}

/** A copy of an archive may come without its key, and none is made for it: batches are then dated by their files. */
async function keyLookup(state: string): Promise<KeyLookup> {
  if (!existsSync(collectorKeyPath(state))) return () => null
  return onlyKey(await openCollectorKey(state))
}
