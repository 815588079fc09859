import { describe, expect, it, onTestFinished } from 'vitest'
import { closedPort } from '../../test/support/loopback.ts'
import { type SampleConduct, type SampleNames, serveNames } from '../../test/support/sample-names.ts'
import { makeLookup, type Resolution } from './lookup.ts'

async function names(conduct: SampleConduct): Promise<SampleNames> {
  const server = await serveNames(conduct)
  onTestFinished(() => server.close())
  return server
}

const untilDone = () => new AbortController().signal

async function look(
  conduct: SampleConduct,
  timeoutMs = 20_000,
  name = 'www.example.test',
): Promise<Resolution> {
  return makeLookup(await names(conduct), timeoutMs)(name, untilDone())
}

const nothing: readonly string[] = []

describe('makeLookup()', () => {
  it('asks for both families, and gives A before AAAA', async () => {
    const server = await names(() => ['198.51.100.7', '2001:db8::7', '198.51.100.8'])
    const found = await makeLookup(server, 20_000)('www.example.test', untilDone())
    expect(found).toEqual({ failure: null, addresses: ['198.51.100.7', '198.51.100.8', '2001:db8::7'] })
    expect([...server.asked].sort()).toEqual(['www.example.test A', 'www.example.test AAAA'])
  })

  it.each([
    ['no record', nothing, 'dns_no_answer'],
    ['FORMERR', 1, 'dns_server_misbehaving'],
    ['SERVFAIL', 2, 'dns_servfail_error'],
    ['NXDOMAIN', 3, 'dns_nxdomain_error'],
    ['NOTIMP', 4, 'dns_server_misbehaving'],
    ['REFUSED', 5, 'dns_refused_error'],
    ['bytes that are no message', 'junk', 'dns_server_misbehaving'],
  ] as const)('names %s', async (_, answer, failure) => {
    expect(await look(() => answer)).toEqual({ failure, addresses: [] })
  })

  it.each([
    ['nothing of the other family when one was found', ['198.51.100.7'], 2, null],
    ['a failure of AAAA where A has no record', nothing, 2, 'dns_servfail_error'],
    ['a failure of A where AAAA has no record', 5, nothing, 'dns_refused_error'],
    ['a failure of A before one of AAAA', 3, 2, 'dns_nxdomain_error'],
  ] as const)('tells %s', async (_, a, aaaa, failure) => {
    expect((await look((_name, type) => (type === 'A' ? a : aaaa))).failure).toBe(failure)
  })

  it('gives up on a silent server when its time is over', async () => {
    expect(await look(() => 'silence', 50)).toEqual({ failure: 'generic_timeout_error', addresses: [] })
  })

  it('ends with its signal, before and while it asks', async () => {
    const gone = new AbortController()
    const server = await names(() => {
      gone.abort()
      return 'silence'
    })
    const lookup = makeLookup(server, 20_000)
    const ended = { failure: 'generic_timeout_error', addresses: [] }
    expect(await lookup('www.example.test', gone.signal)).toEqual(ended)
    const before = server.asked.length
    expect(await lookup('www.example.test', gone.signal)).toEqual(ended)
    expect(server.asked).toHaveLength(before)
  })

  it('names a server that is not there', async () => {
    const found = await makeLookup(await closedPort(), 20_000)('www.example.test', untilDone())
    expect(found).toEqual({ failure: 'connection_refused', addresses: [] })
  })

  it.each([
    ['a label of 64', `${'a'.repeat(64)}.test`],
    ['an empty label', 'a..test'],
  ])('asks nobody for %s, which DNS cannot carry', async (_, name) => {
    expect(await look(() => ['198.51.100.7'], 20_000, name)).toEqual({
      failure: 'unknown_failure: EBADNAME',
      addresses: [],
    })
  })

  it('keeps 32 addresses of a name with more, each once', async () => {
    const many = Array.from({ length: 30 }, (_, i) => `198.51.100.${i}`)
    const found = await look((_name, type) =>
      type === 'A' ? [...many, ...many.slice(0, 2)] : ['2001:db8::7'],
    )
    expect(found.addresses).toEqual([...many, '2001:db8::7'])
    const more = await look(() => Array.from({ length: 60 }, (_, i) => `198.51.100.${i}`))
    expect(more.addresses).toHaveLength(32)
  })

  it('asks nobody about an address: that would be a bug', async () => {
    const lookup = makeLookup(await names(() => 3), 20_000)
    await expect(lookup('198.51.100.7', untilDone())).rejects.toThrow(TypeError)
  })
})
