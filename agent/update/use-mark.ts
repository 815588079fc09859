// Noticing that the agent died over a list. A mark says which lists are being used; one that is found at a start, in the
// boot in which it was made, was left by an agent that did not come to the end of its cycle. Power cuts are no crashes:
// they are common where this runs, and no fault of a list.

import { join } from 'node:path'
import * as v from 'valibot'
import { type AtomicDisk, removeFile } from '../platform/atomic-file.ts'
import { readStateFile, replaceStateFile } from '../platform/state-file.ts'

const mark = v.object({
  /** Name of the boot; null where the system hides it. */
  boot: v.nullable(v.string()),
  mono_ms: v.number(),
  sha256s: v.array(v.string()),
})

export interface Boot {
  readonly id: string | null
  /** Milliseconds of the boot's monotonic clock. */
  readonly monoMs: number
}

export class UseMark {
  readonly #path: string
  readonly #disk: AtomicDisk | undefined

  constructor(dir: string, disk?: AtomicDisk) {
    this.#path = join(dir, 'in-use.json')
    this.#disk = disk
  }

  /** Never fails, and flushes nothing: the kernel outlives a crash, and nothing else is to be noticed. */
  async begin(sha256s: readonly string[], { id, monoMs }: Boot): Promise<void> {
    const content = { boot: id, mono_ms: monoMs, sha256s }
    const writing = this.#disk === undefined ? {} : { disk: this.#disk }
    await replaceStateFile(this.#path, content, writing).catch(() => {})
  }

  /** Never fails: a mark that stays is a crash too many, and three of them in a row are not. */
  async end(): Promise<void> {
    await removeFile(this.#path, this.#disk).catch(() => {})
  }

  /** @returns The lists that an agent of this boot died over; none when it came to its end. Takes the mark away. */
  async takeCrashed(now: Boot): Promise<readonly string[]> {
    const found = await readStateFile(this.#path, mark, this.#disk)
    await this.end()
    if (found === null) return []
    // Where boots have no names, a monotonic clock that went back is another boot.
    const isSame = found.boot === null ? found.mono_ms <= now.monoMs : found.boot === now.id
    return isSame ? found.sha256s : []
  }
}
