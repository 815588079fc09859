// Probe and helper walk one chain of redirects alike: the same pages in the same order, with the same cookies. What differs
// on purpose is said in their pages: where each stops, and that a probe asks for heads behind TLS.

import http, { type IncomingMessage, type RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { followUrl } from '../agent/nettests/url-flow.ts'
import { serveWith } from './support/loopback.ts'
import { makeContext } from './support/nettest-context.ts'
import { askSample } from './support/sample-ask.ts'

interface Chain {
  readonly name: string
  /** By path, the headers of a redirect; what is not here is a page. */
  readonly redirects: Readonly<Record<string, http.OutgoingHttpHeaders>>
  /** `path cookie`, in order. */
  readonly walked: readonly string[]
}

const long = `a=${'x'.repeat(5_000)}`
const chains: readonly Chain[] = [
  { name: 'a page', redirects: {}, walked: ['/'] },
  { name: 'a path of the same host', redirects: { '/': { location: '/next' } }, walked: ['/', '/next'] },
  {
    name: 'a relative path',
    redirects: { '/': { location: 'a/b' }, '/a/b': { location: 'c' } },
    walked: ['/', '/a/b', '/a/c'],
  },
  { name: 'a query alone', redirects: { '/': { location: '?x=1' } }, walked: ['/', '/?x=1'] },
  { name: 'a fragment, which is not sent', redirects: { '/': { location: '/a#b' } }, walked: ['/', '/a'] },
  { name: 'dots', redirects: { '/': { location: '/a/../b' } }, walked: ['/', '/b'] },
  { name: 'an empty Location', redirects: { '/': { location: '' } }, walked: ['/'] },
  { name: 'no Location', redirects: { '/': {} }, walked: ['/'] },
  { name: 'the scheme of an app', redirects: { '/': { location: 'whatsapp://send' } }, walked: ['/'] },
  {
    name: 'a cookie that must come back',
    redirects: { '/': { location: '/in', 'set-cookie': 'seen=1; Path=/' } },
    walked: ['/', '/in seen=1'],
  },
  {
    name: 'a cookie of another path',
    redirects: { '/': { location: '/in', 'set-cookie': ['a=1; Path=/out', 'b=2; Path=/in'] } },
    walked: ['/', '/in b=2'],
  },
  {
    name: 'a cookie that is taken back',
    redirects: {
      '/': { location: '/a', 'set-cookie': 'a=1; Path=/' },
      '/a': { location: '/b', 'set-cookie': 'a=; Path=/; Max-Age=0' },
    },
    walked: ['/', '/a a=1', '/b'],
  },
  {
    name: 'a cookie that had expired by the date of the site, whatever the clock here',
    redirects: {
      '/': {
        location: '/a',
        date: 'Sun, 29 Jul 2018 20:00:00 GMT',
        'set-cookie': [
          'old=1; Path=/; Expires=Sun, 29 Jul 2018 19:00:00 GMT',
          'new=1; Path=/; Expires=Sun, 29 Jul 2018 21:00:00 GMT',
        ],
      },
    },
    walked: ['/', '/a new=1'],
  },
  {
    name: 'a secure cookie in clear text, one for another site, and one too long',
    redirects: {
      '/': { location: '/a', 'set-cookie': ['s=1; Secure; Path=/', 'd=1; Domain=other.test', long] },
    },
    walked: ['/', '/a'],
  },
  {
    name: 'the longer path first',
    redirects: { '/': { location: '/a/b', 'set-cookie': ['x=1; Path=/', 'y=2; Path=/a'] } },
    walked: ['/', '/a/b y=2; x=1'],
  },
]

/** @returns What was asked of the site, and the site's conduct. */
function siteOf({ redirects }: Chain): { readonly asked: string[]; readonly conduct: RequestListener } {
  const asked: string[] = []
  const conduct: RequestListener = (request: IncomingMessage, response) => {
    const { url = '', headers } = request
    asked.push([url, headers.cookie].filter(Boolean).join(' '))
    const redirect = redirects[url]
    if (redirect === undefined) response.end('a page')
    else response.writeHead(302, redirect).end()
  }
  return { asked, conduct }
}

async function walkOf(chain: Chain, walk: (url: string) => Promise<unknown>): Promise<string[]> {
  const { asked, conduct } = siteOf(chain)
  const { port } = await serveWith(http.createServer(conduct))
  await walk(`http://127.0.0.1:${port}/`)
  return asked
}

describe.each(chains)('$name', (chain) => {
  it('is walked by a probe', async () => {
    expect(await walkOf(chain, (url) => followUrl(makeContext(), url, []))).toEqual(chain.walked)
  })

  it('is walked by a helper', async () => {
    expect(await walkOf(chain, (url) => askSample({ url }))).toEqual(chain.walked)
  })
})
