// Attempts without a request: plain-form.md §4.

import { describe, expect, it } from 'vitest'
import { connect, handshake, join, query, response } from '../../test/support/observations.ts'
import { whatsappService } from '../nettests/whatsapp.ts'
import { attemptsAt, attemptsAtService } from './attempts.ts'

const url = 'https://site.example/'
const resolved = query(['21.0.0.10'])
const hop = (depth: number) => ({ tags: [`depth=${depth}`, 'classic'] })

describe('attemptsAt()', () => {
  it.each([
    ['a lookup', join(query('dns_nxdomain_error')), 'dns_nxdomain_error', ''],
    ['a connect', join(resolved, connect('connection_refused')), 'connection_refused', '21.0.0.10:443'],
    [
      'a handshake',
      join(resolved, connect(null), handshake('connection_reset')),
      'connection_reset',
      '21.0.0.10:443',
    ],
  ])('is one for %s that failed', (_step, seen, failure, address) => {
    expect(attemptsAt(url, 'GET', seen)).toMatchObject([
      { failure, address, request: { url, method: 'GET' }, response: { code: 0 }, x_sonde_not_sent: true },
    ])
  })

  it.each([
    ['was answered', join(resolved, connect(null), handshake(null), response(200))],
    ['was sent and not answered', join(resolved, connect(null), handshake(null), response('eof_error'))],
    ['was never tried', join()],
  ])('is none where a request %s', (_what, seen) => {
    expect(attemptsAt(url, 'GET', seen)).toEqual([])
  })

  const redirect = (location: string | null) => {
    const made = join(resolved, connect(null), response(302, { url: 'http://site.example/' }))
    const headers_list: [string, string][] = location === null ? [] : [['Location', location]]
    return {
      ...made,
      requests: made.requests.map((each) => ({ ...each, response: { ...each.response, headers_list } })),
    }
  }
  const failedHop = join(query('dns_nxdomain_error', { ...hop(1), hostname: 'gone.example' }))

  it('is where a redirect led to, when that failed', () => {
    const seen = join(redirect('http://gone.example/a'), failedHop)
    expect(attemptsAt('http://site.example/', 'GET', seen)).toMatchObject([
      { request: { url: 'http://gone.example/a' }, failure: 'dns_nxdomain_error' },
    ])
  })

  it('is none where nobody can say where it led to', () => {
    expect(attemptsAt('http://site.example/', 'GET', join(redirect(null), failedHop))).toEqual([])
  })
})

it('attemptsAtService() has one for each URL of a service that failed, and none for its other endpoints', () => {
  const host = 'web.whatsapp.com'
  const tags = ['group=web', `host=${host}`, 'depth=0', 'classic']
  const seen = join(
    query(['21.0.0.10'], { tags, hostname: host }),
    connect('generic_timeout_error', { tags }),
  )
  const chat = { tags: ['group=endpoints', 'host=e1.whatsapp.net', 'depth=0', 'classic'] }
  const all = join(
    seen,
    query(['21.0.0.11'], chat),
    connect('generic_timeout_error', { ...chat, port: 5222 }),
  )
  expect(attemptsAtService(whatsappService, all).map(({ request }) => request.url)).toEqual([
    `https://${host}/`,
  ])
})
