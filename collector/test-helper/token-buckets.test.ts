import { describe, expect, it } from 'vitest'
import { TokenBuckets } from './token-buckets.ts'

const ip = '198.51.100.7'

/** How many of `count` requests are allowed at one moment. */
function taken(buckets: TokenBuckets, count: number, now: number, from = ip): number {
  return Array.from({ length: count }, () => buckets.take(from, now)).filter((wait) => wait === 0).length
}

describe('TokenBuckets', () => {
  it('lets twenty through at once, and then one a second', () => {
    const buckets = new TokenBuckets()
    expect(taken(buckets, 30, 0)).toBe(20)
    expect(buckets.take(ip, 0)).toBe(1000)
    expect(buckets.take(ip, 400)).toBeCloseTo(600)
    expect(taken(buckets, 3, 1000)).toBe(1)
    expect(taken(buckets, 10, 6000)).toBe(5)
  })

  it('lets sixty a minute through after the first twenty', () => {
    const buckets = new TokenBuckets()
    let through = 0
    for (let now = 0; now < 60_000; now += 100) through += taken(buckets, 1, now)
    expect(through).toBeGreaterThanOrEqual(79)
    expect(through).toBeLessThanOrEqual(80)
  })

  it('never holds more than twenty', () => {
    const buckets = new TokenBuckets()
    buckets.take(ip, 0)
    expect(taken(buckets, 40, 3_600_000)).toBe(20)
  })

  it('counts each address by itself', () => {
    const buckets = new TokenBuckets()
    expect(taken(buckets, 30, 0)).toBe(20)
    expect(taken(buckets, 30, 0, '198.51.100.8')).toBe(20)
  })

  it.each([
    ['one /64 of IPv6', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
    ['one /64, however it is written', '2001:db8::1', '2001:db8:0:0::2'],
    ['an IPv4 address and its mapped form', '198.51.100.7', '::ffff:198.51.100.7'],
  ])('counts %s as one', (_, first, second) => {
    const buckets = new TokenBuckets()
    taken(buckets, 20, 0, first)
    expect(taken(buckets, 1, 0, second)).toBe(0)
  })

  it('counts two networks of IPv6 as two', () => {
    const buckets = new TokenBuckets()
    taken(buckets, 20, 0, '2001:db8:1:2::1')
    expect(taken(buckets, 1, 0, '2001:db8:1:3::1')).toBe(1)
  })

  it('forgets an address once its bucket is full again', () => {
    const buckets = new TokenBuckets()
    buckets.take(ip, 0)
    buckets.take('198.51.100.8', 900)
    expect(buckets.size).toBe(2)
    buckets.take('198.51.100.9', 1000)
    expect(buckets.size).toBe(2)
  })

  it('remembers ten thousand addresses and no more, the quietest go first', () => {
    const buckets = new TokenBuckets()
    for (let i = 0; i < 10_000; i++) taken(buckets, 20, 0, `10.0.${i >> 8}.${i & 255}`)
    expect(buckets.size).toBe(10_000)
    buckets.take('192.0.2.1', 0)
    expect(buckets.size).toBe(10_000)
    expect(taken(buckets, 1, 0, '10.0.0.1')).toBe(0)
    expect(taken(buckets, 1, 0, '10.0.0.0')).toBe(1)
  })
})
