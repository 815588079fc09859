import { describe, expect, it } from 'vitest'
import { SampleLists } from '../../test/support/sample-lists.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { sha256Of } from './contents.ts'
import { fetchFirstRoot } from './first-root.ts'

const lists = new SampleLists(Date.parse('2027-01-10T12:00:00Z'))
lists.publishRoot()
const second = lists.files.metadata.get('2.root.json') as Buffer

describe('fetchFirstRoot()', () => {
  it('finds the root of the digest, whatever its version', async () => {
    for (const root of [lists.root, second])
      expect(await fetchFirstRoot(lists, sha256Of(root), deviceLimits)).toEqual(root)
  })

  it('takes no other, and does not ask for ever', async () => {
    await expect(fetchFirstRoot(lists, 'ab'.repeat(32), deviceLimits)).rejects.toMatchObject({
      code: 'tampering',
    })
    let asked = 0
    const endless = { get: async () => Buffer.from(`${asked++}`) }
    await expect(fetchFirstRoot(endless, 'ab'.repeat(32), deviceLimits)).rejects.toMatchObject({
      code: 'tampering',
    })
    expect(asked).toBe(deviceLimits.rootsPerRefresh)
  })

  it('does not call a line that breaks off, or a collector without lists, tampering', async () => {
    const missing = { get: async () => 'not_found' as const }
    const breaking = { get: async () => (asked++ === 0 ? lists.root : ('unreachable' as const)) }
    let asked = 0
    for (const source of [missing, breaking])
      await expect(fetchFirstRoot(source, sha256Of(second), deviceLimits)).rejects.toMatchObject({
        code: 'unreachable',
      })
  })
})
