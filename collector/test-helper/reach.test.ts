// What a helper must not become: a way to the machines around it. A listener on every address of this machine stands
// for them. The same table runs with the laboratory's check, where the listener must be reached in most rows: a table
// that cannot fail protects nothing.

import http from 'node:http'
import type net from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { askSample, noPage } from '../../test/support/sample-ask.ts'
import type { SampleConduct } from '../../test/support/sample-names.ts'
import { type CheckAddress, type CheckedAddress, checkNothing, checkPublic } from './destination.ts'

/** An address of loopback that stands for a public one; only loopback is available here. */
const stage = '127.0.0.2'
const checkWithStage: CheckAddress = (ip) => (ip === stage ? (ip as CheckedAddress) : checkPublic()(ip))

/** An HTTP server on `host` that counts connections. */
async function listenOn(
  host: string,
  port: number,
  conduct: http.RequestListener = (_, r) => r.end('inner'),
) {
  const server = http.createServer(conduct)
  let connections = 0
  server.on('connection', () => connections++)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())))
  return { port: (server.address() as net.AddressInfo).port, connections: () => connections }
}

/** The addresses that the trick names resolve to. */
const innerNames: Readonly<Record<string, readonly string[]>> = {
  localhost: ['127.0.0.1', '::1'],
  'inner.test': ['127.0.0.1'],
  'inner6.test': ['::1'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'zero.test': ['0.0.0.0'],
  'zero6.test': ['::'],
  'nat64.test': ['64:ff9b::127.0.0.1'],
  '6to4.test': ['2002:7f00:1::1'],
  'metadata.test': ['169.254.169.254', 'fd00:ec2::254'],
  'both.test': ['127.0.0.3', '127.0.0.1', '::1'],
  '127.0.0.1.nip.test': ['127.0.0.1'],
}
const names: SampleConduct = (name) => innerNames[name] ?? 3

const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
/** This machine's own address on some network, if it has one. */
const own = addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1'
const hasIpv6 = addresses.some(({ address }) => address === '::1')
/** Every address of this machine, IPv4 included. */
const everywhere = hasIpv6 ? '::' : '0.0.0.0'

const leads = true
const mayLead = false
/**
 * What the trick is, the host as in a URL, and whether a helper without a check reaches the listener with it on any
 * machine.
 */
const tricks: readonly (readonly [string, string, boolean])[] = [
  ['loopback', '127.0.0.1', leads],
  ['another address of loopback', '127.255.255.254', leads],
  ['loopback as one number', '2130706433', leads],
  ['loopback in hex', '0x7f000001', leads],
  ['loopback in octal', '0177.0.0.1', leads],
  ['loopback in hex and decimal', '0x7f.0.0x1', leads],
  ['loopback in two parts', '127.1', leads],
  ['loopback in three parts', '127.0.1', leads],
  ['loopback with a full stop', '127.0.0.1.', leads],
  ['loopback in percent signs', '%31%32%37%2e0%2e0%2e1', leads],
  ['loopback in circled digits', '①②⑦.⓪.⓪.①', leads],
  ['loopback in wide digits and Chinese full stops', '１２７。０。０。１', leads],
  ['this network', '0.0.0.0', leads],
  ['this network as one digit', '0', leads],
  ['IPv6 loopback', '[::1]', mayLead],
  ['IPv6 loopback in full', '[0000:0000:0000:0000:0000:0000:0000:0001]', mayLead],
  ['unspecified', '[::]', mayLead],
  ['mapped', '[::ffff:127.0.0.1]', hasIpv6],
  ['mapped in hex', '[::ffff:7f00:1]', hasIpv6],
  ['mapped in full', '[0:0:0:0:0:FFFF:7F00:0001]', hasIpv6],
  ['compatible', '[::127.0.0.1]', mayLead],
  ['translated', '[::ffff:0:7f00:1]', mayLead],
  ['6to4', '[2002:7f00:1::]', mayLead],
  ['Teredo', '[2001:0:7f00:1::]', mayLead],
  ['NAT64', '[64:ff9b::127.0.0.1]', mayLead],
  ['NAT64 of a network of its own', '[64:ff9b:1::7f00:1]', mayLead],
  ['metadata', '169.254.169.254', mayLead],
  ['metadata in one number', '2852039166', mayLead],
  ['metadata over IPv6', '[fd00:ec2::254]', mayLead],
  ['our own address', own, leads],
  ['localhost', 'localhost', leads],
  ['localhost with a full stop', 'LOCALHOST.', leads],
  ['a name for loopback', 'inner.test', leads],
  ['a name for IPv6 loopback', 'inner6.test', mayLead],
  ['a name for a mapped address', 'mapped.test', hasIpv6],
  ['a name for 0.0.0.0', 'zero.test', leads],
  ['a name for ::', 'zero6.test', mayLead],
  ['a name for NAT64', 'nat64.test', mayLead],
  ['a name for 6to4', '6to4.test', mayLead],
  ['a name for metadata', 'metadata.test', mayLead],
  ['a name with several', 'both.test', leads],
  ['a name that looks like an address', '127.0.0.1.nip.test', leads],
]

const isFailure = expect.stringMatching(/^(unknown_error|dns_lookup_error)$/)

describe('TestHelper', () => {
  it.each(tricks)('goes nowhere for %s in a URL: %s', async (_, host) => {
    const inner = await listenOn(everywhere, 0)
    const url = `http://${host}:${inner.port}/`
    const answer = await askSample({ url, names, check: checkPublic() })
    expect(answer.tcp_connect).toEqual({})
    expect(answer.http_request).toEqual({ ...noPage(''), failure: isFailure })
    // The addresses have flags 2 and 4, and never the flag for a valid certificate.
    expect(Object.values(answer.ip_info ?? {}).every(({ flags }) => flags === 2 + 4)).toBe(true)
    expect(inner.connections()).toBe(0)
  })

  it.each(tricks)('goes nowhere when a redirect leads to %s: %s', async (_, host) => {
    const inner = await listenOn(everywhere, 0)
    const outer = await listenOn(stage, 0, (_request, response) => {
      // Each character stands for one byte, which is how Node.js sends UTF-8 in a header.
      const location = Buffer.from(`http://${host}:${inner.port}/`).toString('latin1')
      response.writeHead(302, { Location: location }).end()
    })
    const url = `http://${stage}:${outer.port}/`
    const answer = await askSample({ url, names, check: checkWithStage })
    expect(answer.http_request).toEqual({ ...noPage(''), failure: isFailure })
    expect(outer.connections()).toBe(1)
    expect(inner.connections()).toBe(0)
  })

  it.each(tricks.filter(([, , reaches]) => reaches === leads))(
    'would go to %s without its check: %s',
    async (_, host) => {
      const inner = await listenOn(everywhere, 0)
      const url = `http://${host}:${inner.port}/`
      await askSample({ url, names, check: checkNothing })
      expect(inner.connections()).toBeGreaterThan(0)
    },
  )

  it.each([
    '127.0.0.1',
    '0.0.0.0',
    own,
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[2002:7f00:1::]',
    '[64:ff9b::7f00:1]',
    '169.254.169.254',
    '224.0.0.1',
    '10.0.0.1',
  ])('tries no address of a probe that is %s', async (ip) => {
    const inner = await listenOn(everywhere, 0)
    const url = `http://nowhere.test:${inner.port}/`
    const tcpConnect = [`${ip}:${inner.port}`]
    const answer = await askSample({ url, tcpConnect, names, check: checkPublic() })
    expect(answer.tcp_connect).toEqual({})
    expect(Object.values(answer.ip_info ?? {})).toEqual([{ asn: 0, flags: 1 + 4 }])
    expect(inner.connections()).toBe(0)
  })

  it.each([
    ['a user name that looks like a host', 'http://public.test@127.0.0.1/'],
    ['a password', 'http://a:b@127.0.0.1/'],
    ['a file', 'file:///etc/passwd'],
    ['another protocol', 'gopher://127.0.0.1:70/_x'],
    ['data', 'data:text/html,x'],
    ['an address with a zone', 'http://[fe80::1%25eth0]/'],
    ['an address that is too large', 'http://256.256.256.256/'],
    ['no host', 'http://'],
    ['mail', 'http://public.test:25/'],
    ['mail in another spelling', 'http://public.test:00025/'],
  ])('refuses %s before anything is asked', async (_, url) => {
    const asked: string[] = []
    const listening: SampleConduct = (name) => {
      asked.push(name)
      return 3
    }
    await expect(askSample({ url, names: listening })).rejects.toThrow(/^http_request: Cannot measure/)
    expect(asked).toEqual([])
  })

  it('does not go where a backslash or a fragment points away from', async () => {
    const inner = await listenOn('127.0.0.1', 0)
    for (const host of [
      `http:\\\\127.0.0.1:${inner.port}\\@${stage}/`,
      `http://127.0.0.1:${inner.port}#@${stage}/`,
    ])
      await askSample({ url: host, names, check: checkWithStage })
    expect(inner.connections()).toBe(0)
  })
})

describe('a name that changes its address', () => {
  /** The name resolves to `stage` the first time, then to loopback. */
  const rebinding: SampleConduct = (_, type, nth) => {
    if (type === 'AAAA') return []
    return [nth === 0 ? stage : '127.0.0.1']
  }

  it('is not asked again between check and connection', async () => {
    const outer = await listenOn(stage, 0, (_, response) => response.end('outer'))
    const inner = await listenOn('127.0.0.1', outer.port)
    const asked: string[] = []
    const counting: SampleConduct = (name, type, nth) => {
      asked.push(type)
      return rebinding(name, type, nth)
    }
    const url = `http://rebinding.test:${outer.port}/`
    const answer = await askSample({ url, names: counting, check: checkWithStage })
    expect(answer.http_request).toMatchObject({ failure: null, body_length: 5 })
    expect(asked.sort()).toEqual(['A', 'AAAA'])
    expect(outer.connections()).toBe(2)
    expect(inner.connections()).toBe(0)
  })

  it('is checked again when it redirects to itself', async () => {
    const outer = await listenOn(stage, 0, (_, response) => {
      response.writeHead(302, { Location: '/again' }).end()
    })
    const inner = await listenOn('127.0.0.1', outer.port)
    const url = `http://rebinding.test:${outer.port}/`
    const answer = await askSample({ url, names: rebinding, check: checkWithStage })
    expect(answer.http_request).toEqual(noPage('dns_lookup_error'))
    expect(inner.connections()).toBe(0)
  })

  it('does not get to its second address when the first refuses', async () => {
    // Only the inner server listens.
    const inner = await listenOn('127.0.0.1', 0)
    const url = `http://both.test:${inner.port}/`
    const both: SampleConduct = (_, type) => (type === 'A' ? [stage, '127.0.0.1'] : ['::1'])
    const answer = await askSample({ url, names: both, check: checkWithStage })
    expect(answer.http_request).toEqual(noPage('connection_refused_error'))
    expect(Object.keys(answer.tcp_connect)).toEqual([`${stage}:${inner.port}`])
    expect(answer.ip_info?.['127.0.0.1']).toEqual({ asn: 0, flags: 2 + 4 })
    expect(inner.connections()).toBe(0)
  })

  it('does not get there by a list of the probe that disagrees with the name', async () => {
    const outer = await listenOn(stage, 0, (_, response) => response.end('outer'))
    const inner = await listenOn('127.0.0.1', outer.port)
    const url = `http://steady.test:${outer.port}/`
    const steady: SampleConduct = (_, type) => (type === 'A' ? [stage] : [])
    const tcpConnect = [`127.0.0.1:${outer.port}`, `${stage}:${outer.port}`]
    const answer = await askSample({ url, tcpConnect, names: steady, check: checkWithStage })
    expect(Object.keys(answer.tcp_connect)).toEqual([`${stage}:${outer.port}`])
    expect(inner.connections()).toBe(0)
  })
})
