import { describe, expect, it } from 'vitest'
import core from './core.json' with { type: 'json' }
import { parseTestList } from './test-list.ts'

const entry = { nettest: 'web_connectivity', input: 'https://news.example/', category_code: 'NEWS' }
const service = {
  name: 'news-app',
  groups: [
    {
      name: 'web',
      needs: 'any',
      endpoints: [{ kind: 'url', url: 'https://news.example/', method: 'HEAD' }],
    },
  ],
}
const list = {
  name: 'made-up',
  version: 1,
  entries: [entry],
  controls: [],
  resolvers: [],
  services: [service],
}
const withEntry = (parts: object) => ({ ...list, entries: [entry, { ...entry, ...parts }] })

describe('parseTestList()', () => {
  it('takes the core list', () => {
    expect(parseTestList(core).services.map(({ name }) => name)).toContain('tiktok')
  })

  it('refuses what stands there twice, with its place, and not what differs in what is asked', () => {
    const control = { url: 'http://control.example/', expect: { status: 200 } }
    const resolver = { transport: 'udp', ip: '192.0.2.53', port: 53 }
    const twice = {
      ...list,
      entries: [
        entry,
        { ...entry, notes: 'again', category_code: 'MISC' },
        { ...entry, input: 'https://news.example' },
        { ...entry, input: 'https://news.example/2' },
        { nettest: 'sni_blocking', input: 'news.example', category_code: 'NEWS' },
      ],
      controls: [control, { url: 'http://control.example', expect: { status: 204 } }],
      resolvers: [resolver, { ...resolver, transport: 'tcp' }, resolver],
      helpers: ['https://helper.example/', 'https://helper.example'],
    }
    expect(() => parseTestList(twice)).toThrow(
      'Cannot read test list: entries.1: the same as entries.0; entries.2: the same as entries.0; ' +
        'controls.1: the same as controls.0; resolvers.2: the same as resolvers.0; helpers.1: the same as helpers.0',
    )
  })

  it('needs no services', () => {
    const { services: _, ...without } = list
    expect(parseTestList(without).services).toEqual([])
  })

  it.each([
    ['web_connectivity', 'http://news.example/'],
    ['service_reachability', 'news-app'],
    ['whatsapp', null],
    ['telegram', null],
    ['signal', null],
    ['facebook_messenger', null],
    ['stunreachability', 'stun://stun.example:3478'],
    ['dnscheck', 'https://dns.example/dns-query'],
    ['dnscheck', 'dot://192.0.2.53'],
    ['sni_blocking', 'news.example'],
    ['quicping', 'news.example'],
    ['quicping', '2001:db8::1'],
    ['tor', null],
    ['http_invalid_request_line', null],
    ['http_header_field_manipulation', null],
  ])('takes %s with the input %s', (nettest, input) => {
    expect(parseTestList(withEntry({ nettest, input })).entries[1]).toMatchObject({ nettest, input })
  })

  it.each([
    ['dnscheck', 'udp://192.0.2.53', { domain: 'news.example', default_addrs: ['192.0.2.54'] }],
    [
      'sni_blocking',
      'news.example',
      { control_sni: 'other.example', test_helper_address: 'other.example:443' },
    ],
    ['quicping', 'news.example', { port: 8443, repetitions: 1 }],
    ['tor', null, { targets: { a: { address: '192.0.2.1:443', name: 'one', protocol: 'or_port' } } }],
    ['http_invalid_request_line', null, { helper: '192.0.2.1:80' }],
    ['http_header_field_manipulation', null, { helper: 'http://192.0.2.1/' }],
  ])('takes %s with options', (nettest, input, options) => {
    expect(parseTestList(withEntry({ nettest, input, options })).entries[1]).toMatchObject({ options })
  })

  it.each([
    [
      'whatsapp with options',
      withEntry({ nettest: 'whatsapp', input: null, options: {} }),
      'entries.1.options: ',
    ],
    [
      'a body too small to tell its speed',
      withEntry({ options: { body_bytes: 1_000 } }),
      'entries.1.options.body_bytes: ',
    ],
    [
      'an option nobody knows',
      withEntry({ nettest: 'quicping', input: 'news.example', options: { ports: 443 } }),
      'entries.1.options.ports: ',
    ],
    [
      'a helper by its name, which would make the resolver a part of the experiment',
      withEntry({
        nettest: 'http_invalid_request_line',
        input: null,
        options: { helper: 'helper.example:80' },
      }),
      'entries.1.options.helper: expected IP:PORT',
    ],
    [
      'stunreachability without a port',
      withEntry({ nettest: 'stunreachability', input: 'stun://stun.example' }),
      'entries.1.input: expected stun://HOST:PORT',
    ],
    [
      'dnscheck with a page',
      withEntry({ nettest: 'dnscheck', input: 'http://dns.example/' }),
      'entries.1.input: expected an https, dot, udp or tcp URL',
    ],
    ['sni_blocking with a URL', withEntry({ nettest: 'sni_blocking' }), 'entries.1.input: '],
    [
      'tor with an input',
      withEntry({ nettest: 'tor', input: 'relay.example' }),
      'entries.1.input: expected null',
    ],
    ['web_connectivity without a URL', withEntry({ input: null }), 'entries.1.input: '],
    [
      'web_connectivity with another scheme',
      withEntry({ input: 'ftp://news.example/' }),
      'entries.1.input: ',
    ],
    [
      'service_reachability without a name',
      withEntry({ nettest: 'service_reachability', input: null }),
      'entries.1.input: ',
    ],
    [
      'a service the list does not describe',
      withEntry({ nettest: 'service_reachability', input: 'other-app' }),
      'entries.1.input: no service of this list is named "other-app"',
    ],
    [
      'whatsapp with an input',
      withEntry({ nettest: 'whatsapp', input: 'https://news.example/' }),
      'entries.1.input: expected null',
    ],
    [
      'signal with an empty input',
      withEntry({ nettest: 'signal', input: '' }),
      'entries.1.input: expected null',
    ],
    ['a nettest nobody wrote', withEntry({ nettest: 'speed' }), 'entries.1.nettest: '],
    ['an entry with a field nobody knows', withEntry({ weight: 2 }), 'entries.1.weight: '],
    ['a bad category', withEntry({ category_code: 'news' }), 'entries.1.category_code: '],
    ['two services of one name', { ...list, services: [service, service] }, 'services: two services'],
    ['a service with a fault', { ...list, services: [{ ...service, groups: [] }] }, 'services.0.groups: '],
  ])('refuses %s', (_, bad, fault) => {
    expect(() => parseTestList(bad)).toThrow(`Cannot read test list: ${fault}`)
  })

  it('names every fault at once', () => {
    const bad = { ...withEntry({ input: null }), version: 0 }
    expect(() => parseTestList(bad)).toThrow(/version: .*; entries\.1\.input: /)
  })
})
