// Who may read, and what readers may cost: the rules on their own, and on a real server. What the built collector takes
// under them is in test/attacks.

import { request as httpRequest } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { sourceOf } from '../source-of.ts'
import { PageCache } from './page-cache.ts'
import { ReadingRoom } from './reading-room.ts'

describe('PageCache', () => {
  it('makes a page once for each state, and not more often than making it may cost', () => {
    let [now, made, cost] = [0, 0, 100]
    const cache = new PageCache(() => now)
    const ask = (state: string) =>
      cache
        .get('page', state, () => {
          now += cost
          return `${++made}`
        })
        .text.toString()
    expect([ask('a'), ask('a'), ask('b')]).toEqual(['1', '1', '1'])
    now += 20 * cost
    expect(ask('b')).toBe('2')
    now += 20 * cost
    cost = 1
    expect([ask('c'), ask('d'), ask('d')]).toEqual(['3', '4', '4'])
  })

  it('keeps no more for slow readers than it may, and counts what many of them get once', () => {
    const cache = new PageCache(() => 0)
    const page = Buffer.alloc(20 * 1024 * 1024)
    const ends = Array.from({ length: 1_000 }, () => cache.lend(page))
    expect(() => cache.lend(Buffer.alloc(page.length))).toThrow(expect.objectContaining({ code: 'busy' }))
    for (const end of ends) end()
    cache.lend(Buffer.alloc(page.length))()
  })
})

describe('ReadingRoom', () => {
  it('has so many places, so many of them for each source, and each again when its reader has gone', () => {
    const room = new ReadingRoom(3, 2)
    const leave = room.enter('a')
    room.enter('a')
    expect(() => room.enter('a')).toThrow('Too many')
    room.enter('b')
    expect(() => room.enter('c')).toThrow('Too many')
    leave()
    leave()
    room.enter('c')
    expect(() => room.enter('d')).toThrow('Too many')
  })
})

describe('sourceOf()', () => {
  it.each([
    ['192.0.2.7', '192.0.2'],
    ['::ffff:192.0.2.7', '192.0.2'],
    ['2001:db8:1:2::7', '2001:db8:1'],
    ['2001:0DB8:0001::', '2001:db8:1'],
    ['::1', '0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0'],
    ['no address', 'no address'],
  ])('counts %s with %s', (ip, source) => {
    expect(sourceOf(ip)).toBe(source)
  })
})

describe('who may read', () => {
  let collector: SampleCollector
  const token = 'a-token-of-some-length'
  beforeEach(async () => {
    collector = await SampleCollector.start(null, undefined, { token, hosts: ['sonde.example'] })
  })
  afterEach(() => collector.remove())

  const ask = (path: string, headers: Record<string, string>) =>
    new Promise<{ status: number; code: string; asks: string }>((resolve, reject) => {
      httpRequest(`${collector.url}${path}`, { headers }, async (answer) => {
        const chunks: Buffer[] = []
        for await (const chunk of answer) chunks.push(chunk)
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: answer.statusCode ?? 0,
          code: text.startsWith('{') ? JSON.parse(text).code : '',
          asks: answer.headers['www-authenticate'] ?? '',
        })
      })
        .on('error', reject)
        .end()
    })
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

  it.each<[string, Record<string, string>, number, string]>([
    ['nothing', {}, 401, 'token_needed'],
    ['the token', { authorization: `Bearer ${token}` }, 200, ''],
    ['the token as a password', { authorization: basic(`anyone:${token}`) }, 200, ''],
    ['another token', { authorization: `Bearer ${token}x` }, 401, 'token_needed'],
    ['the token as a name', { authorization: basic(`${token}:`) }, 401, 'token_needed'],
    ['nonsense', { authorization: 'Bearer' }, 401, 'token_needed'],
    [
      'the token, by a name that was allowed',
      { authorization: `Bearer ${token}`, host: 'Sonde.Example:80' },
      200,
      '',
    ],
    ['the token, by localhost', { authorization: `Bearer ${token}`, host: 'localhost:8080' }, 200, ''],
    ['the token, by an address', { authorization: `Bearer ${token}`, host: '[2001:db8::1]:80' }, 200, ''],
    [
      'the token, by a name of another',
      { authorization: `Bearer ${token}`, host: 'evil.example' },
      421,
      'wrong_host',
    ],
    ['the token, by no name', { authorization: `Bearer ${token}`, host: 'a b' }, 421, 'wrong_host'],
  ])('is judged by who shows %s', async (_, headers, status, code) => {
    expect(await ask('/', headers)).toMatchObject({ status, code })
    const ofData = await ask('/api/v1/measurements', headers)
    expect(ofData).toMatchObject(status === 200 ? { status: 503, code: 'no_index' } : { status, code })
    expect(ofData.asks !== '').toBe(status === 401)
  })

  it('is no matter to probes, under whatever name they come', async () => {
    expect(await ask('/healthz', { host: 'evil.example' })).toMatchObject({ status: 200 })
    expect(await ask('/v1/batches/00/receipt', { host: 'decoy.example' })).toMatchObject({
      status: 404,
      code: 'not_held',
    })
  })
})
