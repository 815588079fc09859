// The power goes at every step of an update: the old list is in force or the new one, never none, and no version that
// was promised is forgotten.

import { describe, expect, it } from 'vitest'
import { cases } from '../../test/support/fuzzing.ts'
import { SampleLists } from '../../test/support/sample-lists.ts'
import { seededChance } from '../../test/support/sample-spool.ts'
import { f2fs, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { ListUpdate } from './list-update.ts'
import type { UpdateSource } from './source.ts'

const path = 'core/list.json'
const nowMs = Date.parse('2027-01-10T12:00:00Z')
const clock = { nowMs, isTrusted: true, latestMs: null }

const lists = new SampleLists(nowMs)
const mirrors = ['one', 'two', 'three'].map((text): UpdateSource => {
  lists.lists.set(path, Buffer.from(text))
  lists.publish()
  return lists.frozen()
})
const [one, two, three] = mirrors as [UpdateSource, UpdateSource, UpdateSource]

function open(disk: SimulatedDisk): Promise<ListUpdate> {
  const options = {
    dir: '/update',
    root: lists.root,
    floor: new Map(),
    limits: deviceLimits,
    everyRole: true,
  }
  return ListUpdate.open({ ...options, disk, boot: { id: 'boot', monoMs: 0 } })
}

async function measured(disk: SimulatedDisk): Promise<string | null> {
  const list = await (await open(disk)).inForce(path)
  return list === null ? null : Buffer.from(list.bytes).toString()
}

/** A disk with the same files, all of them durable, which loses its power at its operation `at`. */
function cutAt(disk: SimulatedDisk, at: number, chance: () => number) {
  const copy = disk.damaged('/nothing', null)
  let done = 0
  const cut = new Promise<SimulatedDisk>((resolve) => {
    copy.before = () => {
      if (++done !== at) return Promise.resolve()
      resolve(copy.afterCut(chance))
      return new Promise(() => {})
    }
  })
  return { copy, cut }
}

/**
 * @param act - Uses the disk until it is cut, or to its end.
 * @param check - Gets the disk as it is found afterwards, and whether `act` had come to its end.
 * @returns How many operations there were to cut at.
 */
async function cutEverywhere(
  disk: SimulatedDisk,
  act: (disk: SimulatedDisk) => Promise<unknown>,
  check: (found: SimulatedDisk, isDone: boolean, where: string) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at++) {
    let isDone = false
    for (let seed = 0; seed < cases(1, 12); seed++) {
      const chance = seededChance(at * 1_000 + seed)
      const { copy, cut } = cutAt(disk, at, chance)
      const end = act(copy).then(() => {
        isDone = true
        return copy.afterCut(chance)
      })
      await check(await Promise.race([cut, end]), isDone, `operation ${at}, seed ${seed}`)
    }
    if (isDone) return at - 1
  }
}

/** A deep run cuts at each operation twelve times. */
const deepMs = 900_000

describe.each([undefined, f2fs])('on file system %s', { timeout: deepMs }, (type) => {
  const empty = () => new SimulatedDisk(type === undefined ? {} : { type })

  it('the first update leaves the list or none, and the next one takes it', async () => {
    const operations = await cutEverywhere(
      empty(),
      async (disk) => (await open(disk)).refresh(one, [path], clock),
      async (found, isDone, where) => {
        const list = await measured(found)
        if (list !== null || isDone) expect(list, where).toBe('one')
        expect((await (await open(found)).refresh(one, [path], clock)).refusal, where).toBeNull()
        expect(await measured(found), where).toBe('one')
      },
    )
    expect(operations).toBeGreaterThan(10)
  })

  it.each([
    ['the second', [one], two, 'one', 'two'],
    ['the third', [one, two], three, 'two', 'three'],
  ] as const)('%s update leaves the old list or the new one', async (_, earlier, source, old, fresh) => {
    const disk = empty()
    for (const each of earlier) await (await open(disk)).refresh(each, [path], clock)
    const seen = new Set<string | null>()
    const operations = await cutEverywhere(
      disk,
      async (copy) => (await open(copy)).refresh(source, [path], clock),
      async (found, isDone, where) => {
        const list = await measured(found)
        seen.add(list)
        expect(isDone ? [fresh] : [old, fresh], where).toContain(list)
        // What is in force and what is remembered of versions are one.
        const back = await (await open(found)).refresh(earlier.at(-1) ?? one, [path], clock)
        expect(back.refusal?.code ?? null, where).toBe(list === fresh ? 'rollback' : null)
        expect(await measured(found), where).toBe(list)
        expect((await (await open(found)).refresh(source, [path], clock)).refusal, where).toBeNull()
        expect(await measured(found), where).toBe(fresh)
      },
    )
    expect(operations).toBeGreaterThan(10)
    expect([...seen].sort()).toEqual([old, fresh].sort())
  })

  it('setting a list aside takes none away', async () => {
    const disk = empty()
    for (const each of [one, two]) await (await open(disk)).refresh(each, [path], clock)
    const boot = { id: 'boot', monoMs: 0 }
    for (let n = 0; n < 3; n++) await (await open(disk)).beginUse(boot)
    await cutEverywhere(
      disk,
      async (copy) => await open(copy),
      async (found, _, where) => {
        expect(['one', 'two'], where).toContain(await measured(found))
      },
    )
  })
})
