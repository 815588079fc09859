import { describe, expect, it } from 'vitest'
import { SampleLists } from '../../test/support/sample-lists.ts'
import { SimulatedDisk } from '../../test/support/simulated-disk.ts'
import coreList from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { ListUpdate } from '../update/list-update.ts'
import { coreListInForce } from './core-list.ts'

const path = 'core/list.json'
const nowMs = Date.parse('2027-01-10T12:00:00Z')
const builtIn = parseTestList(coreList)
const version = (n: number) => Buffer.from(JSON.stringify({ ...coreList, version: n }))

/** What is in force after each of these was pushed. */
async function pushed(...contents: readonly Buffer[]) {
  const lists = new SampleLists(nowMs)
  const update = await ListUpdate.open({
    dir: '/update',
    disk: new SimulatedDisk(),
    root: lists.root,
    floor: new Map(),
    limits: deviceLimits,
    everyRole: true,
    boot: { id: 'boot', monoMs: 0 },
  })
  for (const content of contents) {
    lists.lists.set(path, content)
    lists.publish()
    const { refusal } = await update.refresh(lists, [path], { nowMs, isTrusted: true, latestMs: null })
    expect(refusal).toBeNull()
  }
  return await coreListInForce(update, path, builtIn)
}

describe('coreListInForce()', () => {
  it("is the build's until one was pushed", async () => {
    expect(await pushed()).toEqual({ list: builtIn, pushed: null })
  })

  it('is the newest that was pushed, and says by whom and of which version', async () => {
    const found = await pushed(version(70), version(71))
    expect(found.list.version).toBe(71)
    expect(found.pushed).toMatchObject({ role: 'targets', version: 2, isFallback: false })
  })

  it.each([
    [
      'is of a form that this agent does not know',
      Buffer.from(JSON.stringify({ ...coreList, campaigns: [] })),
    ],
    ['is no JSON', Buffer.from('<html>')],
    ['is no UTF-8', Buffer.from('{"name":"\xff"}', 'latin1')],
    ['is empty', Buffer.alloc(0)],
  ])("is the one before where the newest %s, and the build's where none is before", async (_, unreadable) => {
    const found = await pushed(version(70), unreadable)
    expect(found.list.version).toBe(70)
    expect(found.pushed).toMatchObject({ version: 1, isFallback: true })
    expect(await pushed(unreadable)).toEqual({ list: builtIn, pushed: null })
  })
})
