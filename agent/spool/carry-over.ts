// Takes over records of an earlier life of the spool, found in its segments after the control log was lost or the
// chain ended: they get numbers of the present life and are sealed in it. A power cut while this goes on may make one
// segment's records appear twice, but never loses them.

import { join } from 'node:path'
import { removeFile } from '../platform/atomic-file.ts'
import { epochsIn } from './epoch-folders.ts'
import type { Ledger } from './ledger/ledger.ts'
import { RangeSet } from './ledger/ranges.ts'
import { currentDictionary, type Dictionary, deflateBody, inflateBody } from './log/dictionary.ts'
import { readWhatIsLeft } from './log/disk.ts'
import { scanFrames } from './log/frame.ts'
import { headerBytes } from './log/segment.ts'
import {
  type RecordStreamLetter,
  readStream,
  type StoredRecord,
  type StoredSegment,
  wallMsIn,
} from './log/stream.ts'
import type { Ground } from './recovery.ts'

/** The part of the present life that takes records over. */
interface Heir {
  takeNumber(): number
  append(letter: RecordStreamLetter, records: readonly StoredRecord[]): Promise<number>
  /** Notes that these numbers of an earlier epoch are dealt with. */
  note(epoch: string, numbers: RangeSet): Promise<void>
}

/**
 * Takes over the records in the folder of every other epoch, segment by segment, oldest first.
 * @returns How many records were taken over.
 */
export async function carryOver(
  { disk, dir }: Pick<Ground, 'disk' | 'dir'>,
  ledger: Readonly<Ledger>,
  heir: Heir,
): Promise<number> {
  const records = join(dir, 'records')
  let taken = 0
  for (const epoch of await epochsIn(disk, records)) {
    if (epoch === ledger.epoch) continue
    for (const letter of ['a', 'r', 'd'] as const) {
      for (const segment of (await readStream(disk, join(records, epoch), letter)).segments) {
        // The segment is left for an agent that has the dictionary.
        if (segment.dictionary === null) continue
        const wanted = segment.numbers.minus(ledger.carry.get(epoch) ?? new RangeSet())
        const bytes = (await readWhatIsLeft(disk, segment.path)) ?? Buffer.alloc(0)
        const bodies = bodiesOf(bytes, segment, segment.dictionary, wanted)
        await appendAll(heir, letter, bodies)
        if (!wanted.isEmpty) await heir.note(epoch, wanted)
        await removeFile(segment.path, disk)
        taken += bodies.length
      }
    }
  }
  return taken
}

function bodiesOf(
  bytes: Buffer,
  { oldestWallMs }: StoredSegment,
  dictionary: Dictionary,
  wanted: RangeSet,
): Omit<StoredRecord, 'n'>[] {
  return scanFrames(bytes, headerBytes).frames.flatMap(({ sequence, body }) => {
    if (!wanted.has(sequence)) return []
    try {
      const json = marked(inflateBody(body, dictionary).toString('utf8'))
      const wallMs = wallMsIn(Buffer.from(json)) ?? oldestWallMs ?? 0
      return [{ body: deflateBody(json, currentDictionary), wallMs }]
    } catch {
      // The segment's header is lost, and it named another dictionary: the record cannot be read any more.
      return []
    }
  })
}

/** Numbers are given by kind here: a reader must not take them for the order in which records were made. */
function marked(json: string): string {
  return json.replace(/^(\{"class":"[a-z]+",)("carried":true,)?/, '$1"carried":true,')
}

async function appendAll(
  heir: Heir,
  letter: RecordStreamLetter,
  bodies: readonly Omit<StoredRecord, 'n'>[],
): Promise<void> {
  const records = bodies.map((each) => ({ ...each, n: heir.takeNumber() }))
  for (let done = 0; done < records.length; ) done += await heir.append(letter, records.slice(done))
}
