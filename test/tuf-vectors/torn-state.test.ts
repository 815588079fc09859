// What a torn or rotten state costs: at every byte, the generation before, and never the last list.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ListUpdate } from '../../agent/update/list-update.ts'
import { UpdateState } from '../../agent/update/update-state.ts'
import { cases } from '../support/fuzzing.ts'
import { SimulatedDisk } from '../support/simulated-disk.ts'
import { allCases, type Case, dir, optionsOf, ServedRepository, type Step, VectorDevice } from './play.ts'

const torn = allCases.find((each) => each.case === 'torn-state') as Case
const [first, second, third] = torn.steps as [Step, Step, Step]
const path = 'core/list.json'
const [newList, oldList] = third.expect.inForce[path] as readonly [string, string]

/** A device that took a list, and then another. */
async function device(): Promise<{ disk: SimulatedDisk; newest: string; bytes: Buffer }> {
  const vector = new VectorDevice(torn)
  for (const step of [first, second]) expect(await vector.play(step)).toEqual([])
  const [slot] = (await UpdateState.open(dir, vector.disk)).slots
  const newest = join(dir, slot?.name ?? '')
  return { disk: vector.disk, newest, bytes: vector.disk.bytesOf(newest) }
}

const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << (at % 8)), at)
  return copy
}

/** A deep run tries many times as many. */
const deepMs = 600_000

const damages = [
  ['cut at', (bytes: Buffer, at: number) => bytes.subarray(0, at)],
  ['a bit flipped in', flipped],
] as const

describe('the newest slot', () => {
  it.each(damages)('%s any byte is not believed', async (_, damage) => {
    const { newest, bytes } = await device()
    const believed: number[] = []
    // The line feed at its end is the one byte that is not needed.
    for (let at = 0; at < bytes.length - 1; at++) {
      const disk = new SimulatedDisk().damaged(newest, damage(bytes, at))
      if ((await UpdateState.open(dir, disk)).slots.length > 0) believed.push(at)
    }
    expect(bytes.length).toBeGreaterThan(5_000)
    expect(believed).toEqual([])
  })

  it.each([...damages, ['gone:', () => null] as const])(
    '%s anywhere: the list before is in force, and the next cycle mends all',
    { timeout: deepMs },
    async (_, damage) => {
      const { disk, newest, bytes } = await device()
      for (let i = 0; i < cases(40, 1_000); i++) {
        const at = Math.floor((i / cases(40, 1_000)) * (bytes.length - 1))
        const hurt = new VectorDevice(torn)
        hurt.disk = disk.damaged(newest, damage(bytes, at))
        const before = await (await hurt.open()).inForce(path)
        expect(before?.sha256, `byte ${at}`).toBe(oldList)
        for (const step of [first, second]) hurt.repository.change(step)
        expect(await hurt.play({ ...third, ask: [path] }), `byte ${at}`).toEqual([])
        expect((await (await hurt.open()).inForce(path))?.sha256).toBe(newList)
      }
    },
  )

  it("is read while it is whole: a mirror that then shows the first step's files is refused", async () => {
    const { disk, newest } = await device()
    const older = disk.paths().find((each) => each.includes('slot-') && each !== newest) ?? ''
    const mirror = new ServedRepository()
    mirror.change(first)
    for (const rest of [disk, disk.damaged(older, null), disk.damaged(older, Buffer.from('{'))]) {
      const update = await ListUpdate.open(optionsOf(torn, rest))
      const outcome = await update.refresh(mirror, [path], {
        nowMs: Date.parse(first.now),
        isTrusted: true,
        latestMs: null,
      })
      expect(outcome.refusal).toMatchObject({ code: 'rollback', at: '5.4.3.1' })
      expect((await update.inForce(path))?.sha256).toBe(newList)
    }
  })
})

describe('the content of the newest list', () => {
  it.each(damages)(
    '%s any byte is not measured: the list before is, until the next cycle',
    async (_, damage) => {
      const { disk } = await device()
      const content = join(dir, `${newList}.target`)
      const bytes = disk.bytesOf(content)
      for (let at = 0; at < bytes.length; at++) {
        const hurt = new VectorDevice(torn)
        hurt.disk = disk.damaged(content, damage(bytes, at))
        const update = await hurt.open()
        expect(await update.inForce(path)).toMatchObject({ sha256: oldList, isFallback: true })
        if (at % 20 !== 0) continue
        for (const step of [first, second]) hurt.repository.change(step)
        await update.refresh(hurt.repository, [path], {
          nowMs: Date.parse(third.now),
          isTrusted: true,
          latestMs: null,
        })
        expect(await (await hurt.open()).inForce(path)).toMatchObject({ sha256: newList, isFallback: false })
      }
    },
  )
})

describe('both slots', () => {
  it("gone: the root that was given and the build's list, and the next cycle begins anew", async () => {
    const { disk } = await device()
    const slots = disk.paths().filter((each) => each.includes('slot-'))
    const empty = slots.reduce((left, slot) => left.damaged(slot, Buffer.alloc(0)), disk)
    const hurt = new VectorDevice(torn)
    hurt.disk = empty
    expect(await (await hurt.open()).inForce(path)).toBeNull()
    for (const step of [first, second]) hurt.repository.change(step)
    expect(await hurt.play({ ...third, ask: [path] })).toEqual([])
  })
})
