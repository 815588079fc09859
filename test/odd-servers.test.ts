// Probe and helper, as they are, before servers as they really are: both must come to the same page, and neither to a failure
// where browsers show one.

import { describe, expect, it } from 'vitest'
import { followUrl } from '../agent/nettests/url-flow.ts'
import { serveTcp } from './support/loopback.ts'
import { makeContext } from './support/nettest-context.ts'
import { askSample } from './support/sample-ask.ts'

const page = '<!doctype html><title>Acc&egrave;s</title >'
const length = `Content-Length: ${page.length}\r\n`
const chunks = `${page.length.toString(16)};x=y\r\n${page}\r\n0\r\nT: 1\r\n\r\n`

/** What a server sends, and closes. */
const responses: readonly (readonly [string, string])[] = [
  ['as it should be', `HTTP/1.1 200 OK\r\n${length}\r\n${page}`],
  ['a folded header', `HTTP/1.1 200 OK\r\nX: a\r\n b\r\n${length}\r\n${page}`],
  ['bare LF', `HTTP/1.1 200 OK\nContent-Length: ${page.length}\n\n${page}`],
  ['a blank before a colon', `HTTP/1.1 200 OK\r\nX : a\r\n${length}\r\n${page}`],
  ['a line without a colon', `HTTP/1.1 200 OK\r\nnothing\r\n${length}\r\n${page}`],
  ['no reason', `HTTP/1.1 200\r\n${length}\r\n${page}`],
  ['another version', `HTTP/2.0 200 OK\r\n${length}\r\n${page}`],
  ['one length twice', `HTTP/1.1 200 OK\r\n${length}${length}\r\n${page}`],
  [
    'a length and chunks',
    `HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
  ],
  ['a body that ends with the connection', `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${page}`],
  ['blank lines first', `\r\n\r\nHTTP/1.1 200 OK\r\n${length}\r\n${page}`],
  [
    'informational responses first',
    `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n${length}\r\n${page}`,
  ],
]

describe('probe and helper come to the same page of a server that sends', () => {
  it.each(responses)('%s', async (_what, response) => {
    const server = await serveTcp((socket) => void socket.once('data', () => socket.end(response)))
    const url = `http://127.0.0.1:${server.port}/`
    const { observations } = await followUrl(makeContext(), url, [])
    const { http_request: theirs } = await askSample({ url })
    const [ours] = observations.requests
    expect(ours).toMatchObject({ failure: null, response: { code: 200, x_sonde_title: 'Accès' } })
    expect(theirs).toMatchObject({ failure: null, status_code: 200, title: 'Accès' })
    expect(theirs.body_length).toBe(ours?.response.x_sonde_body_length)
    expect(theirs.headers).toEqual(ours?.response.headers)
  })

  it.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc'],
    ['a page without a head', page],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
  ])('nothing that can be read, as with %s: both fail', async (_what, response) => {
    const server = await serveTcp((socket) => void socket.once('data', () => socket.end(response)))
    const url = `http://127.0.0.1:${server.port}/`
    const { observations } = await followUrl(makeContext(), url, [])
    expect(observations.requests[0]?.failure).toMatch(/^(http_invalid_response|eof_error)$/)
    expect((await askSample({ url })).http_request.failure).toBe('unknown_error')
  })
})
