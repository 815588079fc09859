// Which endpoint last brought a receipt, kept across restarts: one id in one small file. Losing it costs a few
// seconds of trying; the file names no host, so that a seized device does not tell which way out it used.

import * as v from 'valibot'
import { readStateFile, replaceStateFile } from '../../platform/state-file.ts'

export interface LastGood {
  /** @returns The id; null when there is none, or none that can be read. */
  read(): Promise<string | null>
  /** Never fails: a sick disk must not stop an upload. */
  write(id: string): Promise<void>
}

const content = v.object({ v: v.literal(1), last_good: v.string() })

export function lastGoodIn(path: string): LastGood {
  return {
    async read() {
      // When the file has rotted or the disk refuses, the ways are tried as they are listed.
      return (await readStateFile(path, content))?.last_good ?? null
    },
    async write(id) {
      // The spool reports when the disk fails; this file is not worth a second alarm, nor a flush.
      await replaceStateFile(path, { v: 1, last_good: id }).catch(() => {})
    },
  }
}
