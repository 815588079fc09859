import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sampleKey } from '../../test/support/sample-lists.ts'
import { SamplePublisher } from '../../test/support/sample-publisher.ts'
import { signingKey } from '../../tests-spec/lists/tuf/author.ts'
import type { OnlineKeys } from './online-keys.ts'
import { type Files, openRepository, type Repository, renewed, versionsOf, withGiven } from './repository.ts'

const nowMs = Date.parse('2027-01-10T12:00:00Z')
const days = 86_400_000
const core = 'core/list.json'
const bamako = 'groups/bamako/list.json'
const kayes = 'groups/kayes/list.json'
const online = (): OnlineKeys => {
  const key = () => signingKey(generateKeyPairSync('ed25519').privateKey)
  return { snapshot: key(), timestamp: key() }
}

function begin() {
  const keys = online()
  const lists = new SamplePublisher(nowMs, keys)
  lists.addGroup('bamako')
  lists.addGroup('kayes')
  lists.lists.set(core, Buffer.from('core 1'))
  lists.group('bamako').lists.set(bamako, Buffer.from('bamako 1'))
  lists.publish()
  const first = withGiven(openRepository(lists.root, new Map()), lists.given, keys, nowMs)
  return { keys, lists, first }
}

const versions = (repository: Repository) => Object.fromEntries(versionsOf(repository))

describe('withGiven()', () => {
  it('publishes what it is given, and nothing when nothing is new', () => {
    const { keys, lists, first } = begin()
    expect(versions(first)).toEqual({ root: 1, timestamp: 1, snapshot: 1, targets: 1, bamako: 1, kayes: 1 })
    expect(withGiven(first, lists.given, keys, nowMs)).toBe(first)
  })

  it("publishes one group's file alone, and passes over what is older beside it", () => {
    const { keys, lists, first } = begin()
    const before = lists.given
    lists.group('bamako').lists.set(bamako, Buffer.from('bamako 2'))
    lists.publish()
    const second = withGiven(first, lists.given, keys, nowMs)
    lists.group('kayes').lists.set(kayes, Buffer.from('kayes 1'))
    lists.publish()
    const old = new Map([...before].filter(([name]) => !name.endsWith('kayes.json')))
    const news = [...lists.given].filter(([name]) => /3\.kayes\.json$|\/kayes\//.test(name))
    const third = withGiven(second, new Map([...old, ...news]), keys, nowMs)
    expect(versions(third)).toMatchObject({ timestamp: 3, snapshot: 3, bamako: 2, kayes: 3 })
  })

  it('keeps what was published just before, for a device that has begun to fetch it, and nothing older', () => {
    const { keys, lists, first } = begin()
    let repository = first
    for (const version of [2, 3]) {
      lists.group('bamako').lists.set(bamako, Buffer.from(`bamako ${version}`))
      lists.publish()
      repository = withGiven(repository, lists.given, keys, nowMs)
    }
    const names = [...repository.files.keys()].filter((name) => name.includes('bamako'))
    expect(names.filter((name) => name.startsWith('metadata/')).sort()).toEqual([
      'metadata/2.bamako.json',
      'metadata/3.bamako.json',
    ])
    expect(names.filter((name) => name.startsWith('targets/'))).toHaveLength(2)
  })

  it('is held up by no group that has expired', () => {
    const { keys, lists, first } = begin()
    lists.nowMs = nowMs + 70 * days
    lists.group('bamako').lists.set(bamako, Buffer.from('bamako 2'))
    lists.publish()
    const given = new Map([...lists.given].filter(([name]) => !name.endsWith('2.kayes.json')))
    expect(versions(withGiven(first, given, keys, lists.nowMs))).toMatchObject({ bamako: 2, kayes: 1 })
  })

  type Played = ReturnType<typeof begin>
  it.each([
    [
      "another group's list under a stolen key of a group",
      'foreign_path',
      ({ lists }) => {
        lists.group('kayes').signer = lists.group('bamako').key
        lists.publish()
        return lists.given
      },
    ],
    [
      'a path outside its own in the file of a group',
      'foreign_path',
      ({ lists }) => {
        lists.group('bamako').lists.set(kayes, Buffer.from('kayes, says bamako'))
        lists.publish()
        return lists.given
      },
    ],
    [
      'the core list in the file of a group',
      'foreign_path',
      ({ lists }) => {
        lists.group('bamako').lists.set(core, Buffer.from('core, says bamako'))
        lists.publish()
        return lists.given
      },
    ],
    [
      'one signature of two',
      'threshold',
      ({ lists }) => {
        lists.keys.targets = lists.keys.targets.slice(0, 1)
        lists.publish()
        return lists.given
      },
    ],
    [
      "a stranger's key",
      'key_substitution',
      ({ lists }) => {
        lists.group('bamako').signer = sampleKey()
        lists.publish()
        return lists.given
      },
    ],
    [
      'the key of snapshot under targets',
      'key_confusion',
      ({ lists }) => {
        lists.keys.targets = lists.keys.snapshot
        lists.publish()
        return lists.given
      },
    ],
    [
      'a list whose content is missing',
      'freeze',
      ({ lists }) => {
        lists.group('bamako').lists.set(bamako, Buffer.from('bamako 2'))
        lists.publish()
        return new Map([...lists.given].filter(([name]) => name.startsWith('metadata/')))
      },
    ],
    [
      'a list of another content',
      'tampering',
      ({ lists }) => {
        lists.group('bamako').lists.set(bamako, Buffer.from('bamako 2'))
        lists.publish()
        return new Map(
          [...lists.given].map(([name, bytes]) => [
            name,
            name.includes('bamako/') ? Buffer.from('bamako x') : bytes,
          ]),
        )
      },
    ],
    [
      'another file of a version that is out',
      'mix_and_match',
      ({ lists }) => {
        lists.group('bamako').version = 0
        lists.group('bamako').lists.set(bamako, Buffer.from('bamako, again 1'))
        lists.publish()
        return lists.given
      },
    ],
    [
      'a role that nobody delegates to',
      'mix_and_match',
      ({ lists }) => {
        const file = lists.given.get('metadata/1.bamako.json') as Uint8Array
        return new Map([...lists.given, ['metadata/1.gao.json', file]])
      },
    ],
    ['another root of trust', 'key_substitution', ({ keys }) => new SamplePublisher(nowMs, keys).given],
    [
      'what has expired',
      'freeze',
      ({ lists }) => {
        lists.nowMs = nowMs - 61 * days
        lists.publish()
        return lists.given
      },
    ],
    [
      'a name that is none',
      'malformed',
      ({ lists }) => new Map([...lists.given, ['metadata/../x', Buffer.alloc(1)]]),
    ],
  ] satisfies [string, string, (played: Played) => Files][])('refuses %s: %s', (_, code, given) => {
    const played = begin()
    const files = given(played)
    expect(() => withGiven(played.first, files, played.keys, nowMs)).toThrow(
      expect.objectContaining({ code }),
    )
  })

  it('refuses what is older than all that is out: rollback', () => {
    const { keys, lists, first } = begin()
    const old = lists.given
    lists.group('bamako').lists.set(bamako, Buffer.from('bamako 2'))
    lists.publish()
    const second = withGiven(first, lists.given, keys, nowMs)
    expect(() => withGiven(second, old, keys, nowMs)).toThrow(expect.objectContaining({ code: 'rollback' }))
  })

  it('refuses the key of a group that was taken out, and goes on with the key in its place', () => {
    const { keys, lists, first } = begin()
    const stolen = lists.group('bamako').key
    lists.group('bamako').key = sampleKey()
    lists.publish()
    const second = withGiven(first, lists.given, keys, nowMs)
    lists.group('bamako').signer = stolen
    lists.publish()
    expect(() => withGiven(second, lists.given, keys, nowMs)).toThrow(
      expect.objectContaining({ code: 'revoked_key' }),
    )
  })
})

describe('renewed()', () => {
  it('signs the timestamp each week and the snapshot each month, and nothing before', () => {
    const { keys, first } = begin()
    expect(renewed(first, keys, nowMs + 7 * days)).toBeNull()
    const second = renewed(first, keys, nowMs + 8 * days) as Repository
    expect(versions(second)).toMatchObject({ timestamp: 2, snapshot: 1 })
    const third = renewed(second, keys, nowMs + 31 * days) as Repository
    expect(versions(third)).toMatchObject({ timestamp: 3, snapshot: 2 })
    // A collector that was off for half a year goes on, also where the holders' word has ended.
    const late = renewed(third, keys, nowMs + 181 * days) as Repository
    expect(versions(late)).toMatchObject({ timestamp: 4, snapshot: 3 })
  })

  it('has nothing to sign before the first list', () => {
    const { keys, lists } = begin()
    expect(renewed(openRepository(lists.root, new Map()), keys, nowMs)).toBeNull()
  })
})

describe('openRepository()', () => {
  it('opens what was published, expired or not, and nothing of another root', () => {
    const { lists, first, keys } = begin()
    expect(versions(openRepository(lists.root, first.files))).toEqual(versions(first))
    const other = new SamplePublisher(nowMs, keys)
    const files = new Map([...first.files].filter(([name]) => !name.endsWith('root.json')))
    expect(() => openRepository(other.root, files)).toThrow(
      expect.objectContaining({ code: 'key_substitution' }),
    )
  })
})
