// Signed lists as a power cut finds them: each refresh brings another list, and once it has resolved, that list or a newer
// one is in force.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ListUpdate } from '../../agent/update/list-update.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { SampleLists } from '../support/sample-lists.ts'
import type { Writer } from './writer.ts'

const path = 'core/list.json'
const nowMs = Date.parse('2027-01-10T12:00:00Z')
/** So that a list has several sectors to be torn between. */
const padding = 'x'.repeat(3_000)

interface Taken {
  readonly n: number
}

export const listsWriter: Writer = {
  async write(dir, life, say) {
    const lists = repository()
    const update = await open(dir, lists)
    for (let n = life * 1_000_000 + 1; ; n++) {
      publish(lists, n)
      const { refusal, diskError } = await update.refresh(lists, [path], {
        nowMs,
        isTrusted: true,
        latestMs: null,
      })
      if (refusal !== null || diskError !== null) throw refusal ?? diskError
      say({ n } satisfies Taken)
    }
  },

  async check(dir, said) {
    const promised = Math.max(0, ...(said as readonly Taken[]).map(({ n }) => n))
    const lists = repository()
    const faults: string[] = []
    const found = await numberInForce(await open(dir, lists))
    if (found < promised) faults.push(`list ${found} is in force, ${promised} was promised`)
    const next = 1_000_000_000
    publish(lists, next)
    const update = await open(dir, lists)
    const { refusal } = await update.refresh(lists, [path], { nowMs, isTrusted: true, latestMs: null })
    if (refusal !== null) faults.push(`the next refresh is refused: ${refusal.code}, ${refusal.message}`)
    if ((await numberInForce(await open(dir, lists))) !== next) faults.push('the next list is not in force')
    return faults
  },
}

function repository(): SampleLists {
  return new SampleLists(nowMs, 'power')
}

function publish(lists: SampleLists, n: number): void {
  lists.versions = { ...lists.versions, targets: n, snapshot: n, timestamp: n }
  lists.lists.set(path, Buffer.from(JSON.stringify({ n, padding })))
  lists.publish()
}

async function open(dir: string, lists: SampleLists): Promise<ListUpdate> {
  const folder = join(dir, 'update')
  await mkdir(folder, { recursive: true })
  const options = { dir: folder, root: lists.root, floor: new Map(), limits: deviceLimits, everyRole: true }
  return await ListUpdate.open({ ...options, boot: { id: 'boot', monoMs: 0 } })
}

/** @returns 0 when the build's list is. */
async function numberInForce(update: ListUpdate): Promise<number> {
  const list = await update.inForce(path)
  return list === null ? 0 : JSON.parse(Buffer.from(list.bytes).toString()).n
}
