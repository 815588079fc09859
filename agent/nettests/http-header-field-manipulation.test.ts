// http_header_field_manipulation against helpers on loopback, and proxies before them.

import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, type Listening, serveTcp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { headerFieldManipulation } from './http-header-field-manipulation.ts'

async function measured(options: object, context = makeContext()) {
  return measureKept(headerFieldManipulation, context, null, { ...options })
}

const at = ({ ip, port }: Pick<Listening, 'ip' | 'port'>) => ({ helper: `http://${ip}:${port}/` })

/** Answers as the helper does, once the request went through `proxy`; `form` writes the response down. */
function serveHelper(proxy: (request: string) => string = (request) => request, form = withLength) {
  return serveTcp((socket) => {
    socket.once('data', (bytes) => {
      const [requestLine = '', ...lines] = proxy(bytes.toString('latin1')).trimEnd().split('\r\n')
      const headers_dict: Record<string, string[]> = {}
      for (const line of lines) {
        const [name = '', ...value] = line.split(': ')
        headers_dict[name] = [value.join(': ')]
      }
      for (const piece of form(JSON.stringify({ headers_dict, request_line: requestLine })))
        socket.write(piece)
      if (form === untilClose) socket.end()
    })
  })
}

function withLength(body: string): string[] {
  return [`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`, body]
}
function chunked(body: string): string[] {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
  const half = body.length >> 1
  const chunks = [body.slice(0, half), body.slice(half)]
  return [head, ...chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`), '0\r\n\r\n']
}
function untilClose(body: string): string[] {
  return ['HTTP/1.0 200 OK\r\n\r\n', body]
}

describe('headerFieldManipulation', () => {
  it.each([withLength, chunked, untilClose])('finds the request as it was sent (%o)', async (form) => {
    let request = ''
    const helper = await serveHelper((text) => {
      request = text
      return text
    }, form)
    const { seen, keys, verdict } = await measured(at(helper))
    expect(verdict).toMatchObject({
      verdict: 'ok',
      rule: 'http_header_field_manipulation/arrived_unchanged@1',
    })
    expect(keys).toMatchObject({
      agent: 'agent',
      failure: null,
      tampering: { total: false, header_name_diff: [] },
    })
    expect(request).toMatch(/^GeT \/ HTTP\/1\.1\r\n([A-Za-z-]+: [^\r\n]+\r\n){6}\r\n$/)
    expect(request.toLowerCase()).toMatch(/\r\nhost: [a-z]{15}\.com\r\n/)
    expect(seen.observations.requests).toMatchObject([
      { failure: null, request: { method: 'GeT' }, response: { code: 200 } },
    ])
    const [sent] = seen.observations.requests
    expect(sent?.response).not.toHaveProperty('x_sonde_body_sha256')
    // As OONI's scoring compares them.
    const { request_line, headers_dict } = JSON.parse(String(sent?.response.body))
    expect(request_line).toBe('GeT / HTTP/1.1')
    expect(headers_dict).toEqual(
      Object.fromEntries(Object.entries(sent?.request.headers ?? {}).map(([name, value]) => [name, [value]])),
    )
    expect(seen.bytes.sent).toBe(request.length)
  })

  it('spells each name otherwise each time', async () => {
    const spellings = new Set<string>()
    const helper = await serveHelper((text) => {
      spellings.add(text.replaceAll(/: .*/g, ''))
      return text
    })
    for (let i = 0; i < 4; i++) await measured(at(helper))
    expect(spellings.size).toBeGreaterThan(1)
  })

  it('finds a proxy that adds whom it serves, and keeps none of it', async () => {
    const proxy = (text: string) =>
      text.replace('\r\n', '\r\nX-MSISDN: 22370000000\r\nX-Forwarded-For: 203.0.113.7\r\n')
    const { seen, keys, verdict } = await measured(at(await serveHelper(proxy)))
    expect(verdict).toMatchObject({
      verdict: 'anomaly',
      how: 'header_field_number header_name_capitalization',
    })
    expect(keys).toMatchObject({ tampering: { header_name_diff: ['X-MSISDN', 'X-Forwarded-For'] } })
    expect(JSON.stringify({ ...seen.observations, keys })).not.toMatch(/2237|203\.0/)
  })

  it('finds a proxy that puts the capitals right', async () => {
    const proxy = (text: string) =>
      text.replace('GeT', 'GET').replaceAll(/\r\n[A-Za-z-]+:/g, (name) => name.toLowerCase())
    const { verdict } = await measured(at(await serveHelper(proxy)))
    expect(verdict.how).toBe('request_line_capitalization header_name_capitalization')
  })

  it.each([
    [
      'a page of somebody else',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html',
      'undetermined',
      'json_parse_error',
    ],
    [
      'JSON of another form',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
      'undetermined',
      'json_parse_error',
    ],
    [
      'a status other than 200',
      'HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n',
      'undetermined',
      'http_request_failed',
    ],
    ['bytes that are no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', 'undetermined', 'http_invalid_response'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-', 'undetermined', 'eof_error'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}', 'undetermined', 'json_parse_error'],
    ['nothing', '', 'undetermined', 'eof_error'],
  ])('records %s', async (_what, text, kind, failure) => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.end(text)))
    const { keys, verdict } = await measured(at(server))
    expect(verdict.verdict).toBe(kind)
    expect(keys).toMatchObject({ failure, tampering: { total: true } })
  })

  it('records a reset', async () => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { verdict } = await measured(at(server))
    expect(verdict).toMatchObject({
      verdict: 'undetermined',
      how: 'connection_reset',
      step: 'http_round_trip',
    })
  })

  it('records a helper that is gone', async () => {
    const { verdict } = await measured(at(await closedPort()))
    expect(verdict).toMatchObject({ verdict: 'undetermined', how: 'connection_refused' })
  })

  it.each([
    ['no helper is given', {}, makeContext()],
    ['the helper is in a private network', { helper: 'http://192.168.1.1/' }, makeContext({ lab: false })],
  ])('measures nothing when %s', async (_what, options, context) => {
    const { seen, verdict } = await measured(options, context)
    expect(verdict).toMatchObject({
      verdict: 'undetermined',
      rule: 'http_header_field_manipulation/no_helper@1',
    })
    expect(seen.bytes).toEqual({ sent: 0, received: 0 })
  })
})
