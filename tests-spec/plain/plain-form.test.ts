// The plain form of everything that the golden tables hold: plain-form.md.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { goldenTables } from '../../test/golden/tables.ts'
import { certificateDer, fullContext, goldenRecords } from '../../test/ooni/golden-records.ts'
import { noContext, type PlainForm, plainForm } from './plain-form.ts'
import { plainSchema } from './plain-schema.ts'

const all = goldenRecords.map((record, n) => ({ ...record, plain: plainForm(record.kept, fullContext(n)) }))

describe.each(goldenTables)('plainForm() of $nettest', ({ nettest }) => {
  it.each([
    ['where everything is known', (n: number) => fullContext(n)],
    ['where nothing is', () => noContext],
  ])('fits its schema, %s', (_where, contextOf) => {
    const forms = goldenRecords.filter(({ kept }) => kept.test_name === nettest)
    for (const [n, { kept, sample, level }] of forms.entries()) {
      const { issues = [] } = v.safeParse(plainSchema, plainForm(kept, contextOf(n)))
      const faults = issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)
      expect(faults, `${sample.sentence}, ${level}`).toEqual([])
    }
  })
})

it('the schema refuses a kept form', () => {
  expect(v.is(plainSchema, goldenRecords[0]?.kept)).toBe(false)
})

const find = (has: (record: (typeof all)[number]) => boolean): PlainForm => {
  const found = all.find(has)
  if (found === undefined) throw new Error('no such golden sample')
  return found.plain
}

describe('around the test keys', () => {
  it('a format is named when it has an entry, at the top or inside a part, and only then', () => {
    const tor = find(({ kept }) => kept.test_name === 'tor')
    expect(tor.extensions).toMatchObject({ tcpconnect: 0, netevents: 0 })
    expect(tor.extensions).not.toHaveProperty('dnst')
    expect(find(({ kept }) => kept.test_keys.x_sonde_verdict.verdict === 'link_down').extensions).toEqual({})
  })

  it('the test helper is named where one answered, and nowhere else', () => {
    const [record] = goldenRecords
    if (record === undefined) return
    const { test_keys } = record.kept
    const asked = { ...test_keys, x_sonde_test_helper: 'https://helper.example/v1' }
    expect(plainForm({ ...record.kept, test_keys: asked }, fullContext(0)).test_helpers).toEqual({
      backend: { address: 'https://helper.example/v1', type: 'https' },
    })
    expect(plainForm(record.kept, fullContext(0))).not.toHaveProperty('test_helpers')
  })

  it('the resolver is named by the table of networks where its address is known', () => {
    const [record] = goldenRecords
    if (record === undefined) return
    const known = plainForm({ ...record.kept, resolver_ip: '21.0.0.53' }, fullContext(0))
    expect(known).toMatchObject({ resolver_asn: 'AS64500', resolver_network_name: 'A host of sites' })
    const unknown = plainForm(record.kept, fullContext(0))
    expect(unknown).toMatchObject({ resolver_asn: 'AS0', resolver_network_name: '' })
  })
})

describe('a chain that stands as its digests', () => {
  const brief = goldenRecords.find(
    ({ kept, level }) =>
      level === 'brief' &&
      kept.test_name === 'web_connectivity' &&
      kept.test_keys.tls_handshakes.some((each) => each.x_sonde_certificates_sha256?.length === 1),
  )
  const chains = ({ test_keys }: PlainForm) =>
    (test_keys.tls_handshakes as { peer_certificates: unknown[] }[]).map((each) => each.peer_certificates)

  it('is whole again where every certificate is known', () => {
    expect(brief && chains(plainForm(brief.kept, fullContext(0)))).toContainEqual([
      { data: certificateDer, format: 'base64' },
    ])
  })

  it('stays as it is where one is not', () => {
    if (brief === undefined) return
    const { test_keys } = brief.kept
    const tls_handshakes = test_keys.tls_handshakes.map((each) => ({
      ...each,
      x_sonde_certificates_sha256: [...(each.x_sonde_certificates_sha256 ?? []), 'ab'.repeat(32)],
    }))
    const kept = { ...brief.kept, test_keys: { ...test_keys, tls_handshakes } }
    expect(chains(plainForm(kept, fullContext(0))).flat()).toEqual([])
  })
})

describe('keys with two types (§8)', () => {
  /** Objects whose keys are data: any entry stands for all. */
  const maps =
    /(?<!x_sonde_parts)\.(headers|targets|lookups|annotations|groups|ip_info|control\.(tcp_connect|tls_handshake))$/
  const kindOf = (value: unknown) => (Array.isArray(value) ? 'list' : typeof value)

  function kindsIn(value: unknown, path: string, found: Map<string, Set<string>>): void {
    // null is a value of every type.
    if (value === null || value === undefined) return
    found.set(path, (found.get(path) ?? new Set()).add(kindOf(value)))
    if (typeof value !== 'object') return
    for (const [key, each] of Object.entries(value)) {
      const place = Array.isArray(value) ? `${path}[]` : `${path}.${maps.test(path) ? '*' : key}`
      kindsIn(each, place, found)
    }
  }

  it('are OONI’s alone', () => {
    const found = new Map<string, Set<string>>()
    for (const { plain } of all) kindsIn(plain, '', found)
    const twofold = [...found].filter(([, kinds]) => kinds.size > 1).map(([path]) => path)
    const ofOoni = ['blocking', 'received[]', 'tampering', 'control.tcp_connect'].map(
      (key) => `.test_keys.${key}`,
    )
    const whileDown = ofOoni.map((path) => path.replace('.test_keys', '.test_keys.x_sonde_seen_while_down'))
    expect(twofold.sort()).toEqual([...ofOoni, ...whileDown].sort())
  })
})
