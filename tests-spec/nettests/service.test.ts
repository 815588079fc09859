import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Authority, makeAuthority } from '../../test/support/certificates.ts'
import { facebookMessengerService } from './facebook-messenger.ts'
import { hostOf, portsOf, type ServiceEndpoint, service, serviceEndpoint } from './service.ts'
import { signalService } from './signal.ts'
import { telegramService } from './telegram.ts'
import { whatsappService } from './whatsapp.ts'

const url = { kind: 'url', url: 'https://news.example/', method: 'HEAD' }
const tcp = { kind: 'tcp', host: 'chat.example', ports: [443, 5222] }
const tls = { kind: 'tls', host: '198.51.100.7', port: 8443, server_name: 'vpn.example' }
const dns = { kind: 'dns', host: 'stun.example' }
const group = { name: 'web', needs: 'any', endpoints: [url] }
const valid = {
  name: 'news-app_2',
  groups: [group, { ...group, name: 'chat_hosts', endpoints: [tcp, tls, dns] }],
}

const ofEndpoint = (endpoint: unknown) => ({ ...valid, groups: [{ ...group, endpoints: [endpoint] }] })
const ofGroup = (parts: object) => ({ ...valid, groups: [{ ...group, ...parts }] })

function faults(description: unknown): string[] {
  const { issues = [] } = v.safeParse(service, description)
  return issues.map((issue) => `${v.getDotPath(issue) ?? '(top)'}: ${issue.message}`)
}

let authority: Authority
beforeAll(() => {
  authority = makeAuthority()
})

describe('the schema of a service', () => {
  it.each([
    ['whatsapp', whatsappService],
    ['telegram', telegramService],
    ['signal', signalService],
    ['facebook_messenger', facebookMessengerService],
    ['every kind of endpoint', valid],
    [
      'one group besides an informational one',
      { ...valid, groups: [group, { ...group, name: 'b', informational: true }] },
    ],
    ['an IPv6 literal in a URL', ofEndpoint({ ...url, url: 'http://[2001:db8::1]:8080/' })],
    ['one host in two groups', { ...valid, groups: [group, { ...group, name: 'again' }] }],
  ])('takes %s', (_, description) => {
    expect(faults(description)).toEqual([])
  })

  it.each([
    ['a name with a blank', { ...valid, name: 'news app' }, 'name'],
    ['a name in capitals', { ...valid, name: 'News' }, 'name'],
    ['no group', { ...valid, groups: [] }, 'groups'],
    ['a field nobody knows', { ...valid, script: 'run()' }, 'script'],
    ['a group that could not stand in a rule', ofGroup({ name: 'web-2' }), 'groups.0.name'],
    ['a group that needs most of them', ofGroup({ needs: 'most' }), 'groups.0.needs'],
    ['a group of nothing', ofGroup({ endpoints: [] }), 'groups.0.endpoints'],
    ['two groups of one name', { ...valid, groups: [group, group] }, 'groups'],
    ['nothing to judge', ofGroup({ informational: true }), 'groups'],
    [
      'two endpoints on one port',
      ofGroup({ endpoints: [url, { ...tls, host: 'news.example', port: 443 }] }),
      'groups.0.endpoints',
    ],
    ['one name resolved twice', ofGroup({ endpoints: [dns, dns] }), 'groups.0.endpoints'],
    ['a port named twice', ofEndpoint({ ...tcp, ports: [443, 443] }), 'groups.0.endpoints'],
    [
      'a kind nobody measures',
      ofEndpoint({ kind: 'icmp', host: 'chat.example' }),
      'groups.0.endpoints.0.kind',
    ],
    ['another scheme', ofEndpoint({ ...url, url: 'ftp://news.example/' }), 'groups.0.endpoints.0.url'],
    ['a URL that is none', ofEndpoint({ ...url, url: 'https://' }), 'groups.0.endpoints.0.url'],
    [
      'a URL with a password',
      ofEndpoint({ ...url, url: 'https://a:b@news.example/' }),
      'groups.0.endpoints.0.url',
    ],
    ['a method that changes things', ofEndpoint({ ...url, method: 'DELETE' }), 'groups.0.endpoints.0.method'],
    ['a URL without a method', ofEndpoint({ kind: 'url', url: url.url }), 'groups.0.endpoints.0.method'],
    ['a host in capitals', ofEndpoint({ ...tcp, host: 'Chat.example' }), 'groups.0.endpoints.0.host'],
    ['a host with a port', ofEndpoint({ ...tcp, host: 'chat.example:443' }), 'groups.0.endpoints.0.host'],
    ['a host without a dot', ofEndpoint({ ...tcp, host: 'localhost' }), 'groups.0.endpoints.0.host'],
    [
      'a host that is almost an address',
      ofEndpoint({ ...tcp, host: '198.51.100.256' }),
      'groups.0.endpoints.0.host',
    ],
    ['no port', ofEndpoint({ ...tcp, ports: [] }), 'groups.0.endpoints.0.ports'],
    ['port 0', ofEndpoint({ ...tcp, ports: [0] }), 'groups.0.endpoints.0.ports.0'],
    ['a port beyond the last', ofEndpoint({ ...tls, port: 65_536 }), 'groups.0.endpoints.0.port'],
    [
      'an address as server name',
      ofEndpoint({ ...tls, server_name: '198.51.100.7' }),
      'groups.0.endpoints.0.server_name',
    ],
    ['an address to resolve', ofEndpoint({ ...dns, host: '198.51.100.7' }), 'groups.0.endpoints.0.host'],
    [
      'more endpoints than a device should take',
      ofGroup({ endpoints: Array.from({ length: 41 }, (_, i) => ({ ...dns, host: `h${i}.example` })) }),
      'groups',
    ],
  ])('refuses %s', (_, description, path) => {
    const found = faults(description)
    expect(found).not.toEqual([])
    // Nothing else is wrong with it.
    expect(found.filter((fault) => !fault.startsWith(`${path}: `))).toEqual([])
  })

  it('takes the certificates of authorities as roots', () => {
    expect(faults({ ...valid, extra_roots: [authority.caPem] })).toEqual([])
  })

  it('refuses roots that are no authority, several in one text, or no certificate', () => {
    const leaf = authority.issue({ names: ['leaf.example'] }).cert
    const roots = [leaf, authority.caPem + authority.caPem, 'MIIB', authority.caPem.replace('MII', 'MIX')]
    for (const root of roots) {
      expect(faults({ ...valid, extra_roots: [root] })).toEqual([expect.stringMatching(/^extra_roots\.0: /)])
    }
  })
})

describe('hostOf() and portsOf()', () => {
  it.each([
    [url, 'news.example', [443]],
    [{ ...url, url: 'http://news.example/' }, 'news.example', [80]],
    [{ ...url, url: 'http://198.51.100.7:443/' }, '198.51.100.7', [443]],
    [{ ...url, url: 'https://[2001:db8::1]:8443/' }, '2001:db8::1', [8443]],
    [tcp, 'chat.example', [443, 5222]],
    [tls, '198.51.100.7', [8443]],
    [dns, 'stun.example', []],
  ])('of %o', (raw, host, ports) => {
    const endpoint: ServiceEndpoint = v.parse(serviceEndpoint, raw)
    expect(hostOf(endpoint)).toBe(host)
    expect(portsOf(endpoint)).toEqual(ports)
  })
})
