// Small files that are replaced again and again, as the agent keeps its memory and its ledger: through
// `writeFileDurably`. And the same with one line left out, which a suite worth anything must catch.

import { join } from 'node:path'
import { nodeAtomicDisk, readFileIfPresent, writeFileDurably } from '../../agent/platform/atomic-file.ts'
import type { Writer } from './writer.ts'

const slots = 3
/** So that a file has several sectors to be torn between. */
const padding = 'x'.repeat(3_000)

interface Kept {
  readonly slot: number
  readonly n: number
}

export const stateWriter = writerOn(nodeAtomicDisk)

/** Writes beside, fsyncs, renames, and forgets that a name is not durable before its folder is. */
export const carelessWriter = writerOn({ ...nodeAtomicDisk, syncDirectory: async () => {} })

function writerOn(disk: typeof nodeAtomicDisk): Writer {
  return {
    async write(dir, life, say) {
      for (let i = 0; ; i++) {
        const kept: Kept = { slot: i % slots, n: life * 1_000_000 + i }
        const content = JSON.stringify({ ...kept, padding, end: kept.n })
        await writeFileDurably(pathOf(dir, kept.slot), Buffer.from(content), { disk })
        say(kept)
      }
    },
    async check(dir, said) {
      const newest = new Map((said as readonly Kept[]).map((kept) => [kept.slot, kept.n]))
      const faults: string[] = []
      for (let slot = 0; slot < slots; slot++) {
        const n = await numberIn(pathOf(dir, slot))
        const promised = newest.get(slot) ?? -1
        if (n === null) faults.push(`slot ${slot} is corrupt`)
        else if (n < promised) faults.push(`slot ${slot} is lost: it has ${n}, ${promised} was promised`)
      }
      return faults
    },
  }
}

function pathOf(dir: string, slot: number): string {
  return join(dir, `slot-${slot}`)
}

/** @returns -1 when there is no file, null when there is something else than was ever written. */
async function numberIn(path: string): Promise<number | null> {
  const bytes = await readFileIfPresent(path)
  if (bytes === null) return -1
  try {
    const { n, padding: found, end } = JSON.parse(bytes.toString())
    return n === end && found === padding ? n : null
  } catch {
    // Cut short, or zeros: what the check is for.
    return null
  }
}
