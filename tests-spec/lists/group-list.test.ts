import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import core from './core.json' with { type: 'json' }
import { parseGroupList, passGate, withGroups } from './group-list.ts'
import { parseTestList } from './test-list.ts'

const coreList = parseTestList(core)
const entry = (input: string | null, more: object = {}) => ({
  nettest: 'web_connectivity',
  input,
  category_code: 'NEWS',
  ...more,
})
const listOf = (...entries: object[]) => parseGroupList({ v: 1, name: 'bamako', entries })
const campaign = { name: 'vote', from: '2026-11-29T06:00:00Z', to: '2026-11-30T00:00:00Z', every_minutes: 5 }

describe('parseGroupList()', () => {
  it('takes entries and campaigns', () => {
    const list = { v: 1, name: 'bamako', entries: [entry('https://a.ml/')], campaigns: [campaign] }
    expect(parseGroupList(list)).toEqual(list)
    expect(listOf().campaigns).toEqual([])
  })

  it.each([
    ['another version', { v: 2 }, 'v'],
    ['a path as a name', { name: '../a' }, 'name'],
    ['a helper', { helpers: ['https://a.ml/'] }, 'helpers'],
    ['a resolver', { resolvers: [] }, 'resolvers'],
    ['what is no web', { entries: [entry('ftp://a.ml/')] }, 'entries.0.input'],
    [
      'a nettest that nobody knows',
      { entries: [entry('https://a.ml/', { nettest: 'exec' })] },
      'entries.0.nettest',
    ],
    ['a campaign that ends first', { campaigns: [{ ...campaign, to: campaign.from }] }, 'campaigns.0'],
    [
      'a campaign in local time',
      { campaigns: [{ ...campaign, from: '2026-11-29T06:00:00+01:00' }] },
      'campaigns.0.from',
    ],
    [
      'a campaign all the time',
      { campaigns: [{ ...campaign, every_minutes: 0 }] },
      'campaigns.0.every_minutes',
    ],
    ['2,001 entries', { entries: Array.from({ length: 2_001 }, () => entry('https://a.ml/')) }, 'entries'],
  ])('refuses %s by name', (_, parts, place) => {
    expect(() => parseGroupList({ v: 1, name: 'bamako', entries: [], ...parts })).toThrow(place)
  })
})

describe('passGate()', () => {
  const gate = (each: object, consented: string[] = []) =>
    passGate(listOf(each), coreList, new Set(consented))

  it.each([
    ['an address at home', entry('https://192.168.1.1/'), 'no_public_host'],
    ['the same as one number', entry('http://3232235777/'), 'no_public_host'],
    ['the same in IPv6', entry('http://[::ffff:192.168.1.1]/'), 'no_public_host'],
    ['a router by its name', entry('http://router/'), 'no_public_host'],
    ['a printer', entry('http://printer.local./'), 'no_public_host'],
    ['a port of mail', entry('http://a.ml:25/'), 'odd_port'],
    ['a category that nobody knows', entry('https://a.ml/', { category_code: 'NEWZ' }), 'unknown_category'],
    ['a risky category', entry('https://a.ml/', { category_code: 'LGBT' }), 'no_consent'],
    ['a resolver', { nettest: 'dnscheck', input: 'dot://9.9.9.9/', category_code: 'ANON' }, 'needs_core'],
    ['what the core list has', entry('https://x.com/', { category_code: 'GRP' }), 'repeated'],
  ])('leaves out %s', (_, each, code) => {
    expect(gate(each)).toEqual({ entries: [], leftOut: { [code]: 1 } })
  })

  it('lets through what is public, and what the host has agreed to', () => {
    expect(gate(entry('https://a.ml/')).entries).toHaveLength(1)
    expect(gate(entry('https://a.ml:8443/page')).entries).toHaveLength(1)
    expect(gate(entry('https://a.ml/', { category_code: 'LGBT' }), ['LGBT']).entries).toHaveLength(1)
    expect(gate({ nettest: 'tor', input: null, category_code: 'ANON' }).entries).toHaveLength(1)
  })

  it('has each code on the page', () => {
    const page = readFileSync(new URL('group-list.md', import.meta.url), 'utf8')
    for (const code of [
      'repeated',
      'unknown_category',
      'no_consent',
      'needs_core',
      'no_public_host',
      'odd_port',
    ])
      expect(page).toContain(`\`${code}\``)
  })
})

describe('withGroups()', () => {
  it('puts groups behind the core list, each entry once, and changes nothing else of it', () => {
    const gated = [
      listOf(entry('https://a.ml/'), entry('https://b.ml/')),
      listOf(entry('https://a.ml/')),
    ].map((list) => passGate(list, coreList, new Set()))
    const { entries, ...rest } = withGroups(coreList, gated)
    expect(entries.slice(coreList.entries.length).map(({ input }) => input)).toEqual([
      'https://a.ml/',
      'https://b.ml/',
    ])
    expect({ ...rest, entries: coreList.entries }).toEqual(coreList)
  })
})
