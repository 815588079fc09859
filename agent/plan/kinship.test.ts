import { describe, expect, it } from 'vitest'
import { type EntryName, entryKey, kindOf, ownerOf } from './kinship.ts'

const page = (input: string): EntryName => ({ nettest: 'web_connectivity', input })
const service = (nettest: EntryName['nettest']): EntryName => ({ nettest, input: null })

describe('ownerOf()', () => {
  it.each<[string, string, EntryName]>([
    ['a URL, by the name that was registered', 'example', page('https://www.example.org/news?id=1')],
    ['a name below a registry of a country', 'example', page('https://www.example.co.uk/')],
    ['one below a ministry of Mali', 'example', page('https://www.example.gouv.ml/')],
    ['a name before what is a registry elsewhere', 't', page('https://t.co/')],
    ['a nettest and a site of one owner', 'telegram', service('telegram')],
    ['that site', 'telegram', page('https://web.telegram.org/')],
    ['services of one owner under several names', 'meta', service('whatsapp')],
    ['another of them', 'meta', page('https://www.instagram.com/')],
    ['an old name and a new one', 'twitter', page('https://x.com/')],
    ['a host without a scheme', 'example', { nettest: 'quicping', input: 'news.example.org' }],
    ['a host and port', 'example', { nettest: 'quicping', input: 'news.example.org:8443' }],
    ['a described service', 'tiktok', { nettest: 'service_reachability', input: 'tiktok' }],
    ['an address', '192.0.2.7', page('https://192.0.2.7/')],
    ['an address of IPv6', '[2001:db8::7]', page('https://[2001:db8::7]/')],
    ['a single label', 'localhost', page('http://localhost/')],
    ['what cannot be parsed', '%%', page('%%')],
  ])('knows %s', (_what, owner, entry) => {
    expect(ownerOf(entry)).toBe(owner)
  })
})

it('kindOf() puts together where people talk, and leaves what it does not know alone', () => {
  const kind = (category_code: string) => kindOf({ category_code })
  expect(kind('COMT')).toBe(kind('GRP'))
  expect(kind('ANON')).not.toBe(kind('GRP'))
  expect(kind('GMB')).toBe('GMB')
})

it('entryKey() tells two entries apart by their options', () => {
  const entry = page('https://a.example/')
  expect(entryKey(entry)).toBe(entryKey({ ...entry, options: undefined }))
  expect(entryKey(entry)).not.toBe(entryKey({ ...entry, options: { port: 8443 } }))
})
