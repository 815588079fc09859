import { describe, expect, it } from 'vitest'
import { sampleKey, signed } from '../../../test/support/sample-lists.ts'
import { type TopRole as Kind, readMetadata } from './metadata.ts'
import { isSigned } from './signatures.ts'

const key = sampleKey('one')
const other = sampleKey('two')
const keys = { [key.id]: key.object, [other.id]: other.object }
const role = { keyids: [key.id], threshold: 1 }
const dated = { spec_version: '1.0.34', version: 1, expires: '2027-01-31T00:00:00Z' }
const file = { length: 1, hashes: { sha256: 'ab' } }

const good = {
  root: {
    _type: 'root',
    ...dated,
    keys,
    roles: { root: role, targets: role, snapshot: role, timestamp: role },
  },
  timestamp: { _type: 'timestamp', ...dated, meta: { 'snapshot.json': { version: 1 } } },
  snapshot: { _type: 'snapshot', ...dated, meta: { 'targets.json': { version: 1 } } },
  targets: {
    _type: 'targets',
    ...dated,
    targets: { 'core/list.json': file },
    delegations: {
      keys,
      roles: [{ name: 'bamako', terminating: true, paths: ['groups/bamako/*'], ...role }],
    },
  },
} as const

const kinds = Object.keys(good) as Kind[]
const read = (kind: Kind, change: object) => readMetadata(signed({ ...good[kind], ...change }, [key]), kind)
const root = (change: object) => () =>
  read('root', { roles: { ...good.root.roles, root: { ...role, ...change } } })
const targets = (change: object) => () => read('targets', { targets: { x: { ...file, ...change } } })
const delegated = (change: object) => () => {
  const [one] = good.targets.delegations.roles
  return read('targets', { delegations: { keys, roles: [{ ...one, ...change }] } })
}

describe('readMetadata()', () => {
  it.each(kinds)('reads %s, and takes it for nothing else', (kind) => {
    const bytes = signed(good[kind], [key])
    expect(readMetadata(bytes, kind)).toMatchObject({
      bytes,
      signed: { version: 1, expiresMs: 1_801_353_600_000 },
    })
    for (const as of kinds.filter((each) => each !== kind))
      expect(() => readMetadata(bytes, as)).toThrow(expect.objectContaining({ code: 'role_confusion' }))
  })

  it.each(kinds)('refuses %s without any one of its members', (kind) => {
    const optional = ['consistent_snapshot', 'delegations']
    for (const name of Object.keys(good[kind]).filter((each) => !optional.includes(each))) {
      const rest = Object.fromEntries(Object.entries(good[kind]).filter(([each]) => each !== name))
      expect(() => readMetadata(signed(rest, [key]), kind), name).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      )
    }
  })

  it.each([
    ['version 0', () => read('timestamp', { version: 0 }), 'malformed'],
    ['version true', () => read('timestamp', { version: true }), 'malformed'],
    ['another major version', () => read('timestamp', { spec_version: '2.0.0' }), 'malformed'],
    ['the 30th of February', () => read('timestamp', { expires: '2027-02-30T00:00:00Z' }), 'malformed'],
    [
      'a date with milliseconds',
      () => read('timestamp', { expires: '2027-01-31T00:00:00.000Z' }),
      'malformed',
    ],
    ['a date with an offset', () => read('timestamp', { expires: '2027-01-31T00:00:00+00:00' }), 'malformed'],
    ['a day without a time', () => read('timestamp', { expires: '2027-01-31' }), 'malformed'],
    ['a date that is none', () => read('timestamp', { expires: 'never' }), 'freeze'],
    ['a thirteenth month', () => read('timestamp', { expires: '2027-13-01T00:00:00Z' }), 'freeze'],
    [
      'a snapshot of version 0',
      () => read('timestamp', { meta: { 'snapshot.json': { version: 0 } } }),
      'malformed',
    ],
    ['a snapshot that lists no targets', () => read('snapshot', { meta: {} }), 'malformed'],
    [
      'a snapshot that lists another kind of file',
      () => read('snapshot', { meta: { 'targets.json': { version: 1 }, x: { version: 1 } } }),
      'malformed',
    ],
    ['a threshold of none', root({ threshold: 0 }), 'threshold'],
    ['a threshold in words', root({ threshold: 'one' }), 'threshold'],
    ['a role that names a key twice', root({ keyids: [key.id, key.id] }), 'threshold'],
    [
      'a key under the id of another',
      () => read('root', { keys: { ...keys, [key.id]: other.object } }),
      'threshold',
    ],
    [
      "a key under an id of nobody's",
      () => read('root', { keys: { ab: sampleKey('three').object } }),
      'key_confusion',
    ],
    ['consistent snapshots in words', () => read('root', { consistent_snapshot: 'yes' }), 'malformed'],
    ['a target without a hash', targets({ hashes: {} }), 'tampering'],
    ['a target of a length below nought', targets({ length: -1 }), 'malformed'],
    ['a delegation of a name that is taken', delegated({ name: 'snapshot' }), 'role_confusion'],
    [
      'a delegation by prefixes of hashes',
      delegated({ paths: undefined, path_hash_prefixes: ['ab'] }),
      'malformed',
    ],
    ['a delegation that ends the search in words', delegated({ terminating: 'yes' }), 'malformed'],
  ])('refuses %s', (_, act, code) => {
    expect(act).toThrow(expect.objectContaining({ code }))
  })

  it('refuses two signatures under one id', () => {
    const bytes = signed(good.timestamp, [key, key])
    expect(() => readMetadata(bytes, 'timestamp')).toThrow(expect.objectContaining({ code: 'threshold' }))
  })
})

describe('isSigned()', () => {
  const timestamp = readMetadata(signed(good.timestamp, [key, other]), 'timestamp')
  const publicOf = ({ object }: typeof key) => (object as { keyval: { public: string } }).keyval.public

  it('counts a key once, under however many ids', () => {
    const twice = new Map([
      [key.id, publicOf(key)],
      [other.id, publicOf(key)],
    ])
    const both = new Map([
      [key.id, publicOf(key)],
      [other.id, publicOf(other)],
    ])
    expect(isSigned(timestamp, { keys: twice, threshold: 1 })).toBe(true)
    expect(isSigned(timestamp, { keys: twice, threshold: 2 })).toBe(false)
    expect(isSigned(timestamp, { keys: both, threshold: 2 })).toBe(true)
  })

  it('never counts a key of an unknown kind, nor one of small order', () => {
    expect(isSigned(timestamp, { keys: new Map([[key.id, null]]), threshold: 1 })).toBe(false)
    // Under the neutral point, with R = B and s = 1, the same signature verifies for any bytes where OpenSSL is 3.0.
    const neutral = `01${'00'.repeat(31)}`
    const forged = `5866666666666666666666666666666666666666666666666666666666666666${`01${'00'.repeat(31)}`}`
    const weak = { ...timestamp, signatures: new Map([['weak', forged]]) }
    expect(isSigned(weak, { keys: new Map([['weak', neutral]]), threshold: 1 })).toBe(false)
  })

  it.each(['', 'zz'.repeat(64), 'ab'.repeat(63), 'AB'.repeat(64)])('is false for the signature %j', (sig) => {
    const bad = { ...timestamp, signatures: new Map([[key.id, sig]]) }
    expect(isSigned(bad, { keys: new Map([[key.id, publicOf(key)]]), threshold: 1 })).toBe(false)
  })
})
