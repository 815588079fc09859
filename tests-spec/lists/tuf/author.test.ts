import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  expiryAfter,
  named,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  type SigningKey,
  signedFile,
  signingKey,
  targetFileOf,
  withSignature,
} from './author.ts'
import { fetchTarget, findTarget, refresh, refreshEveryRole } from './client-workflow.ts'
import { readMetadata, type TopRole } from './metadata.ts'
import { Refused } from './refusal.ts'
import { deviceLimits, openTrusted } from './trusted-set.ts'
import { walkThrough } from './walk.ts'

const nowMs = Date.parse('2027-01-10T12:00:00.321Z')
const key = (): SigningKey => signingKey(generateKeyPairSync('ed25519').privateKey)
const dating = (role: 'root' | 'targets' | 'group' | 'snapshot' | 'timestamp') => ({
  version: 1,
  expiresMs: expiryAfter(nowMs, role),
})
const terms = { effectiveMs: nowMs, limits: deviceLimits, floor: new Map<string, number>() }

/** @param signers - Of root and targets; the repository wants two of three. */
function repository(signersOf: (holders: readonly SigningKey[]) => readonly SigningKey[]) {
  const holders = [key(), key(), key()]
  const [group, snapshotKey, timestampKey] = [key(), key(), key()]
  const hex = (keys: readonly SigningKey[]) => keys.map(({ publicHex }) => publicHex)
  const role = (keys: readonly SigningKey[], threshold = 1) => ({ keys: hex(keys), threshold })
  const signers = signersOf(holders)
  const content = Buffer.from('a list')
  const path = 'groups/kita/list.json'
  const root = signedFile(
    'root',
    newRoot(dating('root'), {
      root: role(holders, 2),
      targets: role(holders, 2),
      snapshot: role([snapshotKey]),
      timestamp: role([timestampKey]),
    }),
    holders.slice(1),
  )
  const kita = { name: 'kita', paths: ['groups/kita/*'], ...role([group]) }
  const targets = signedFile('targets', newTargets(dating('targets'), new Map(), [kita]), signers)
  const groups = signedFile(
    'targets',
    newTargets(dating('group'), new Map([[path, targetFileOf(content)]]), null),
    [group],
  )
  const meta = new Map([
    ['targets', named(targets, 1)],
    ['kita', named(groups, 1)],
  ])
  const snapshot = signedFile('snapshot', newSnapshot(dating('snapshot'), meta), [snapshotKey])
  const timestamp = signedFile('timestamp', newTimestamp(dating('timestamp'), named(snapshot, 1)), [
    timestampKey,
  ])
  const files = new Map<string, Buffer>([
    ['timestamp.json', timestamp],
    ['1.snapshot.json', snapshot],
    ['1.targets.json', targets],
    ['1.kita.json', groups],
  ])
  return { root, files, content, path, holders, targets }
}

describe('what is made here', () => {
  it('goes through the whole workflow of a client', () => {
    const { root, files, content, path } = repository((holders) => holders.slice(0, 2))
    const get = ({ kind, name }: { kind: string; name: string }) =>
      kind === 'target' ? content : (files.get(name) ?? 'not_found')
    const first = walkThrough(refresh(openTrusted(root), terms), get)
    expect(first.refusal).toBeNull()
    const every = walkThrough(refreshEveryRole(first.set, terms), get)
    expect(every.refusals.size).toBe(0)
    const { search } = walkThrough(findTarget(every.set, path, terms), get)
    if (search.kind !== 'found') throw new Error(`It was ${search.kind}`)
    expect(search.chain).toEqual(['targets', 'kita'])
    expect(walkThrough(fetchTarget(every.set, path, search.target, terms), get)).toEqual(content)
  })

  it('is refused with one signature of two, and taken when another holder has added the second', () => {
    const { root, files, targets, holders } = repository((all) => all.slice(0, 1))
    const ask = ({ name }: { name: string }) => files.get(name) ?? 'not_found'
    expect(walkThrough(refresh(openTrusted(root), terms), ask).refusal).toMatchObject({ code: 'threshold' })
    const [, , third] = holders as [SigningKey, SigningKey, SigningKey]
    const both = withSignature('targets', targets, third)
    expect(readMetadata(both, 'targets').signatures.size).toBe(2)
    // A signature that is added again is no third one.
    expect(withSignature('targets', both, third)).toEqual(both)
  })

  it('is the same to the byte for the same content, and is not made where a reader would refuse it', () => {
    const one = key()
    const content = newTargets(dating('group'), new Map(), null)
    expect(signedFile('targets', content, [one])).toEqual(signedFile('targets', content, [one]))
    const none = newTargets({ version: 0, expiresMs: nowMs }, new Map(), null)
    expect(() => signedFile('targets', none, [one])).toThrow(Refused)
    const twice = ['a', 'a'].map((name) => ({ name, paths: [], keys: [one.publicHex], threshold: 1 }))
    expect(() => signedFile('targets', newTargets(dating('targets'), new Map(), twice), [one])).toThrow(
      Refused,
    )
    expect(() => withSignature('root' as TopRole, signedFile('targets', content, [one]), one)).toThrow(
      Refused,
    )
  })
})
