// http_invalid_request_line against echo servers on loopback, and proxies in their place.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, type Listening, serveTcp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { invalidRequestLineObservations } from '../../tests-spec/nettests/http-invalid-request-line.ts'
import { invalidRequestLineWithin } from './http-invalid-request-line.ts'

const nettest = invalidRequestLineWithin(200)

async function measured(options: object, context = makeContext()) {
  const kept = await measureKept(nettest, context, null, { ...options })
  return { ...kept, lists: v.parse(v.object(invalidRequestLineObservations), kept.seen.observations) }
}

const at = ({ ip, port }: Pick<Listening, 'ip' | 'port'>) => ({ helper: `${ip}:${port}` })
const echo = () => serveTcp((socket) => socket.on('data', (bytes) => socket.write(bytes)))

describe('invalidRequestLine', () => {
  it('sends five lines that are no requests, and finds them echoed', async () => {
    const { seen, lists, keys, verdict } = await measured(at(await echo()))
    expect(verdict).toMatchObject({ verdict: 'ok', rule: 'http_invalid_request_line/echoed@1' })
    expect(keys).toEqual({ tampering_list: Array(5).fill(false), tampering: false })
    expect(lists.received).toEqual(lists.sent)
    expect(lists.failure_list).toEqual(Array(5).fill(null))
    const forms = [
      /^[A-Z]{4} \/ HTTP\/1\.1\n\r$/,
      /^[A-Z]{5}( [A-Z]{5}){3}\r\n$/,
      /^[A-Z]{1024} \/ HTTP\/1\.1\r\n$/,
      /^GET \/ HTTP\/[A-Z]{3}\r\n$/,
      /^GET cache_object:\/\/localhost\/ HTTP\/1\.0\n\r$/,
    ]
    for (const [index, form] of forms.entries()) expect(lists.sent[index]).toMatch(form)
    const total = lists.sent.join('').length
    expect(seen.bytes).toEqual({ sent: total, received: total })
    expect(seen.observations.network_events).toHaveLength(10)
  })

  it('finds a proxy that answers in the place of the helper, and scrubs what it says', async () => {
    const proxy = await serveTcp((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\nYour address is 203.0.113.7')),
    )
    const { lists, keys, verdict } = await measured(at(proxy))
    expect(verdict).toMatchObject({ verdict: 'anomaly', rule: 'http_invalid_request_line/answer_changed@1' })
    expect(keys).toMatchObject({ tampering: true })
    expect(lists.received[0]).toBe('HTTP/1.1 400 Bad Request\r\n\r\nYour address is [scrubbed]')
    expect(lists.failure_list).toEqual(Array(5).fill('eof_error'))
  })

  it('finds one line that is answered with a reset', async () => {
    const server = await serveTcp((socket) =>
      socket.on('data', (bytes) => {
        if (bytes.includes('cache_object')) socket.resetAndDestroy()
        else socket.write(bytes)
      }),
    )
    const { verdict } = await measured(at(server))
    expect(verdict).toMatchObject({ verdict: 'anomaly', rule: 'http_invalid_request_line/some_reset@1' })
  })

  it('keeps bytes that are no text as such, and no more than the head of a long answer', async () => {
    const server = await serveTcp((socket) =>
      socket.once('data', () => socket.end(Buffer.alloc(50_000, 0xff))),
    )
    const [received] = (await measured(at(server))).lists.received
    expect(received).toEqual({ data: Buffer.alloc(2048, 0xff).toString('base64'), format: 'base64' })
  })

  it('does not call a helper that is gone tampering', async () => {
    const { keys, verdict } = await measured(at(await closedPort()))
    expect(keys).toMatchObject({ tampering: false })
    expect(verdict).toMatchObject({ verdict: 'undetermined', how: 'connection_refused' })
  })

  it.each([
    ['no helper is given', {}, makeContext()],
    ['the helper is in a private network', { helper: '192.168.1.1:80' }, makeContext({ lab: false })],
  ])('measures nothing when %s', async (_what, options, context) => {
    const { seen, lists, verdict } = await measured(options, context)
    expect(verdict).toMatchObject({ verdict: 'undetermined', rule: 'http_invalid_request_line/no_helper@1' })
    expect(lists.sent).toEqual([])
    expect(seen.bytes).toEqual({ sent: 0, received: 0 })
  })

  it('says so when it was stopped', async () => {
    const { verdict } = await measured(at(await echo()), makeContext({}, { signal: AbortSignal.abort() }))
    expect(verdict.rule).toBe('http_invalid_request_line/interrupted@1')
  })
})
