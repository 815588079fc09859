// Lists that kill the agent.

import { describe, expect, it } from 'vitest'
import { at, core, ListDevice, publish, repository } from '../../test/support/list-device.ts'

describe('a list that kills the agent', () => {
  const boot = { id: 'boot', monoMs: 1_000 }

  async function crash(device: ListDevice, times: number, now = boot): Promise<void> {
    for (let n = 0; n < times; n++) await (await device.open({ boot: now })).beginUse(now)
  }

  async function twoLists() {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    await device.refresh(at(1))
    return { lists, device }
  }

  it('three times in a row is set aside, and the one before is in force until another comes', async () => {
    const { lists, device } = await twoLists()
    await crash(device, 2)
    expect(await device.measured()).toBe('core 2')
    await crash(device, 3)
    expect(await device.measured()).toBe('core 1')
    expect((await device.refresh(at(1))).targets.get(core)).toEqual({ kind: 'in_force', isNew: false })
    expect(await device.measured()).toBe('core 1')
    publish(lists, 'core 3')
    await device.refresh(at(1))
    expect(await device.measured()).toBe('core 3')
    await crash(device, 4)
    expect(await device.measured(), 'never back to the one that was set aside').toBe('core 1')
  })

  it('and then does not is used', async () => {
    const { device } = await twoLists()
    await crash(device, 2)
    const update = await device.open({ boot })
    await update.beginUse(boot)
    expect(await update.endUse()).toBeNull()
    await crash(device, 2)
    expect(await device.measured()).toBe('core 2')
  })

  it('is not blamed for a power cut: a mark of another boot is none', async () => {
    const { device } = await twoLists()
    for (let n = 0; n < 9; n++) {
      const now = { id: `boot ${n}`, monoMs: 1_000 }
      await (await device.open({ boot: now })).beginUse(now)
    }
    expect((await (await device.open({ boot: { id: 'last', monoMs: 0 } })).inForce(core))?.isFallback).toBe(
      false,
    )
  })

  it('is noticed where boots have no names, as long as the clock of the boot goes on', async () => {
    const { device } = await twoLists()
    const none = (monoMs: number) => ({ id: null, monoMs })
    for (let n = 0; n < 9; n++) await (await device.open({ boot: none(0) })).beginUse(none(50_000))
    expect((await (await device.open({ boot: none(0) })).inForce(core))?.isFallback).toBe(false)
    for (let n = 1; n < 5; n++)
      await (await device.open({ boot: none(n * 60_000) })).beginUse(none(n * 60_000))
    expect((await (await device.open({ boot: none(0) })).inForce(core))?.isFallback).toBe(true)
  })
})
