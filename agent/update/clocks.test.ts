// Lists under clocks that are ten years off.

import { describe, expect, it } from 'vitest'
import {
  at,
  begin,
  core,
  days,
  ListDevice,
  publish,
  repository,
  unsure,
} from '../../test/support/list-device.ts'

describe('the clock', () => {
  const tenYears = 3_653

  it('ten years ahead and not certain: a newer list is taken, is stale, and moves no time', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    expect((await device.refresh(unsure(tenYears))).refusal).toBeNull()
    expect(await device.measured()).toBe('core 2')
    const update = await device.open()
    expect([update.isStale(core, unsure(tenYears)), update.isStale(core, at(1))]).toEqual([true, false])
    publish(lists, 'core 3')
    expect((await device.refresh(at(1))).refusal).toBeNull()
  })

  it('ten years behind and not certain: a newer list is taken, and an older one is not', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    const old = lists.frozen()
    publish(lists, 'core 2')
    expect((await device.refresh(unsure(-tenYears))).refusal).toBeNull()
    expect(await device.measured()).toBe('core 2')
    expect((await device.refresh(unsure(-tenYears), old)).refusal).toMatchObject({ code: 'rollback' })
  })

  it('ten years ahead and said to be certain: the new is refused, the last list goes on and is stale', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    expect((await device.refresh(at(tenYears))).refusal).toMatchObject({ code: 'freeze', at: '5.3.10' })
    expect(await device.measured()).toBe('core 1')
    expect((await device.open()).isStale(core, at(tenYears))).toBe(true)
  })

  it.each([at, unsure])(
    'ten years behind, after a time that was certain: what expired since stays refused',
    async (clock) => {
      const lists = repository()
      const device = new ListDevice(lists)
      await device.refresh(at(0))
      expect((await device.refresh(at(40))).refusal).toMatchObject({ code: 'freeze', at: '5.4.4' })
      expect((await device.refresh(clock(-tenYears))).refusal).toMatchObject({ code: 'freeze', at: '5.4.4' })
      expect(await device.measured()).toBe('core 1')
      lists.nowMs = begin + 40 * days
      publish(lists, 'core 2')
      expect((await device.refresh(clock(-tenYears))).refusal).toBeNull()
      expect(await device.measured()).toBe('core 2')
    },
  )
})

describe('a time that was believed and was wrong', () => {
  it('is taken back by a signed word, and by nothing else', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    await device.refresh(at(3_653))
    publish(lists, 'core 2')
    expect((await device.refresh(at(1))).refusal).toMatchObject({ code: 'freeze' })
    const receipted = { ...unsure(1), latestMs: begin + days }
    expect((await device.refresh(receipted)).refusal).toBeNull()
    expect(await device.measured()).toBe('core 2')
    expect((await device.refresh(at(1))).refusal).toBeNull()
  })
})
