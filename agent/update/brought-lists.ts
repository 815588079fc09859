// Repositories of lists that a person brought in one file (tests-spec/lists/one-file.md): `brought-….slr` in the folder of lists. Who
// has the stick puts them there, which may be another process; the agent takes them up, and it alone decides what of them is believed.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import { isDiskFailure, readFileIfPresent, removeFile, writeFileDurably } from '../platform/atomic-file.ts'
import { makeFolderIfPossible } from '../platform/state-folder.ts'
import { sha256Of } from './contents.ts'
import { oneFileSource, type UpdateSource } from './source.ts'

/** Of all that ever lay on a stick; the newest is not known before they are read. */
const mostFiles = 8

/** @returns Whether it waits for the agent now; not when it is no such file, is not whole, too many wait, or the disk refuses. */
export async function bringLists(dir: string, bytes: Uint8Array): Promise<boolean> {
  const name = `brought-${sha256Of(bytes).slice(0, 16)}.slr`
  const waiting = broughtIn(dir)
  if (waiting.includes(name)) return true
  if (waiting.length >= mostFiles || sourceIn(bytes) === null) return false
  try {
    makeFolderIfPossible(dir)
    await writeFileDurably(join(dir, name), bytes)
    return true
  } catch (error) {
    // They stay on the stick.
    if (isDiskFailure(error)) return false
    throw error
  }
}

/** @param look - Gets each, and the file goes when it is done. A power cut before leaves it for the next start. */
export async function takeBrought(dir: string, look: (source: UpdateSource) => Promise<void>): Promise<void> {
  for (const name of broughtIn(dir)) {
    const path = join(dir, name)
    const bytes = await readFileIfPresent(path).catch(() => null)
    const source = bytes === null ? null : sourceIn(bytes)
    if (source !== null) await look(source)
    await removeFile(path).catch(() => {})
  }
}

/** @returns null for what is no repository, or not whole. */
function sourceIn(bytes: Uint8Array): UpdateSource | null {
  try {
    return oneFileSource(bytes)
  } catch (error) {
    if (error instanceof Refused) return null
    throw error
  }
}

function broughtIn(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => /^brought-[0-9a-f]{16}\.slr$/.test(name))
      .sort()
  } catch (error) {
    // Not there yet, or a card that fails: nothing was brought.
    if (isDiskFailure(error)) return []
    throw error
  }
}
