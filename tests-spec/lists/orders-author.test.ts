// An order as its author signs it is found by a device's own workflow, and no number is given twice.

import { generateKeyPairSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { operatorsRole, ordersPath, ordersPattern, readOrders } from './orders.ts'
import { type PresentOrders, withSignedOrder } from './orders-author.ts'
import {
  expiryAfter,
  named,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  signedFile,
  signingKey,
} from './tuf/author.ts'
import { fetchTarget, findTarget, refresh, refreshEveryRole } from './tuf/client-workflow.ts'
import { deviceLimits, openTrusted } from './tuf/trusted-set.ts'
import { walkThrough } from './tuf/walk.ts'

const nowMs = Date.parse('2026-11-28T06:00:00Z')
const key = () => signingKey(generateKeyPairSync('ed25519').privateKey)
const operators = key()
const none: PresentOrders = { version: 0, contents: new Map() }
const next = { until: '2026-12-01T06:00:00Z', do: 'upload_logs' }

it('is found by the workflow of a device, by the role of the operators', () => {
  const holders = [key(), key(), key()]
  const [snapshotKey, timestampKey] = [key(), key()]
  const dating = (role: 'root' | 'targets' | 'snapshot' | 'timestamp') => ({
    version: 1,
    expiresMs: expiryAfter(nowMs, role),
  })
  const role = (keys: readonly { publicHex: string }[], threshold = 1) => ({
    keys: keys.map(({ publicHex }) => publicHex),
    threshold,
  })
  const two = holders.slice(0, 2)
  const top = {
    root: role(holders, 2),
    targets: role(holders, 2),
    snapshot: role([snapshotKey]),
    timestamp: role([timestampKey]),
  }
  const root = signedFile('root', newRoot(dating('root'), top), two)
  const delegation = { name: operatorsRole, paths: [ordersPattern], ...role([operators]) }
  const targets = signedFile('targets', newTargets(dating('targets'), new Map(), [delegation]), two)
  const orders = withSignedOrder(none, 'group-bamako', { ...next, do: 'cycle' }, operators, nowMs)
  const meta = new Map([
    ['targets', named(targets, 1)],
    [operatorsRole, named(orders.metadata, 1)],
  ])
  const snapshot = signedFile('snapshot', newSnapshot(dating('snapshot'), meta), [snapshotKey])
  const timestamp = signedFile('timestamp', newTimestamp(dating('timestamp'), named(snapshot, 1)), [
    timestampKey,
  ])
  const files = new Map<string, Buffer>([
    ['timestamp.json', timestamp],
    ['1.snapshot.json', snapshot],
    ['1.targets.json', targets],
    [`1.${operatorsRole}.json`, orders.metadata],
  ])
  const path = ordersPath('group-bamako')
  const get = ({ kind, name }: { kind: string; name: string }) =>
    kind === 'target' ? Buffer.from(orders.contents.get(path) ?? []) : (files.get(name) ?? 'not_found')
  const terms = { effectiveMs: nowMs, limits: deviceLimits, floor: new Map<string, number>() }
  const { set } = walkThrough(refresh(openTrusted(root), terms), get)
  const every = walkThrough(refreshEveryRole(set, terms), get)
  const { search } = walkThrough(findTarget(every.set, path, terms), get)
  if (search.kind !== 'found') throw new Error(`It was ${search.kind}`)
  expect(search.chain).toEqual(['targets', operatorsRole])
  const bytes = walkThrough(fetchTarget(every.set, path, search.target, terms), get)
  expect(readOrders(bytes as Uint8Array)).toEqual([{ ...next, do: 'cycle', n: orders.n }])
})

it('gives no number twice, also when a file has gone, and two orders in one second', () => {
  const first = withSignedOrder(none, 'all', next, operators, nowMs)
  const second = withSignedOrder(first, 'all', next, operators, nowMs)
  expect([first.n, second.n, second.version]).toEqual([nowMs / 1000, nowMs / 1000 + 1, 2])
  // Weeks later, for another scope: what is past goes.
  const later = withSignedOrder(
    second,
    'group-kayes',
    { ...next, until: '2027-02-01T00:00:00Z' },
    operators,
    nowMs + 1e9,
  )
  expect([...later.contents.keys()]).toEqual([ordersPath('group-kayes')])
  const again = withSignedOrder(
    later,
    'all',
    { ...next, until: '2027-02-01T00:00:00Z' },
    operators,
    nowMs + 1e9,
  )
  expect(again.n).toBeGreaterThan(second.n)
  expect([...again.contents.keys()].sort()).toEqual([ordersPath('all'), ordersPath('group-kayes')])
})

it('signs nothing that no device would read', () => {
  expect(() => withSignedOrder(none, 'all', { ...next, do: 'sh -c id' }, operators, nowMs)).toThrow(TypeError)
  expect(() => withSignedOrder(none, 'all', { ...next, until: 'soon' }, operators, nowMs)).toThrow(TypeError)
})
