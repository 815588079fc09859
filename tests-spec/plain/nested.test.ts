// Observations inside parts: plain-form.md §5.

import { describe, expect, it } from 'vitest'
import { fullContext, goldenRecords } from '../../test/ooni/golden-records.ts'
import { listNames } from './lists.ts'
import { isRepeatOf } from './nested.ts'
import { plainForm } from './plain-form.ts'

type Keys = Readonly<Record<string, unknown>>

const plainOf = (nettest: string, sentence: string): Keys => {
  const n = goldenRecords.findIndex(
    ({ kept, sample, level }) =>
      kept.test_name === nettest && sample.sentence === sentence && level === 'full',
  )
  const record = goldenRecords[n]
  if (record === undefined) throw new Error(`no sample of ${nettest}: ${sentence}`)
  return plainForm(record.kept, fullContext(n)).test_keys
}
const has = (keys: unknown, list: string): number => ((keys as Keys)[list] as unknown[]).length

describe('nested()', () => {
  it('has the lists of tor in each target, and none beside', () => {
    const { targets, ...keys } = plainOf('tor', 'everything open')
    expect(listNames.filter((name) => name in keys)).toEqual([])
    const inside = Object.entries(targets as Keys).map(([id, target]) => [
      id.replace(/^.*\//, ''),
      has(target, 'tcp_connect'),
      has(target, 'tls_handshakes'),
      has(target, 'requests'),
    ])
    expect(inside).toEqual([
      ['dir_port', 1, 0, 1],
      ['or_port_dirauth', 1, 1, 0],
      ['or_port', 1, 1, 0],
      ['obfs4', 1, 0, 0],
    ])
  })

  it('has those of dnscheck in the bootstrap and in each lookup', () => {
    const keys = plainOf('dnscheck', 'name and answer over TLS')
    expect(has(keys.bootstrap, 'queries')).toBe(1)
    expect(Object.values(keys.lookups as Keys).map((lookup) => has(lookup, 'queries'))).toEqual([1])
    expect(keys).not.toHaveProperty('queries')
  })

  it('leaves the bootstrap null where there was none', () => {
    expect(plainOf('dnscheck', 'an address for a host')).toMatchObject({ bootstrap: null })
  })

  it('leaves those of other nettests where they are, also with a control', () => {
    const record = goldenRecords.find(({ kept }) => (kept.test_keys.control ?? null) !== null)
    const keys = record && plainForm(record.kept, fullContext(0)).test_keys
    expect(keys).toHaveProperty('queries')
    expect(keys?.control).not.toHaveProperty('queries')
  })
})

it('isRepeatOf() is true of the handshake that sni_blocking makes again, and of no other', () => {
  const again = goldenRecords
    .filter(({ kept }) => kept.test_name === 'sni_blocking')
    .flatMap(({ kept }) => kept.test_keys.tls_handshakes.map(({ tags }) => tags))
  expect(again.some((tags) => isRepeatOf('sni_blocking', tags))).toBe(true)
  expect(again.some((tags) => isRepeatOf('web_connectivity', tags))).toBe(false)
  expect(isRepeatOf('sni_blocking', [])).toBe(false)
})
