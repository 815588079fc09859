// HTTP/2 frames as hostile as those of fuzz.test.ts. Such frames can make the nghttp2 inside Node.js 20 abort the
// process, which is why the agent does not offer HTTP/2 there; so this test runs under a Node.js that can take them.

import type { Socket } from 'node:net'
import fc from 'fast-check'
import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { testUnderModernNode } from '../../build/modern-node.ts'
import { cases, fuzzSockets, scriptedServer, scripts, timeoutMs } from '../../test/support/fuzzing.ts'
import { hostileBytes } from '../../test/support/mutations.ts'
import { httpRequest } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import { describeResponse } from './http-response.ts'
import { http2Exchange } from './http2-exchange.ts'
import { offeredProtocols } from './offered-protocols.ts'

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: readonly number[] | Buffer = [],
): Buffer {
  const body = Buffer.from(payload)
  return Buffer.concat([Buffer.from([0, 0, body.length, type, flags, 0, 0, 0, stream]), body])
}

const settings = frame(4, 0, 0)
const acknowledged = frame(4, 1, 0)
const ok = frame(1, 4, 1, [0x88])
const okAndEnd = frame(1, 5, 1, [0x88])
/** `content-type: text/html`, with the name by its HPACK index. */
const withType = frame(1, 4, 1, Buffer.concat([Buffer.from([0x88, 0x5f, 9]), Buffer.from('text/html')]))
const body = frame(0, 0, 1, Buffer.from('<title>x</title>'))
const end = frame(0, 1, 1)

const conversations = [
  [settings, acknowledged, okAndEnd],
  [settings, acknowledged, withType, body, end],
  [settings, ok, frame(3, 0, 1, [0, 0, 0, 8])],
  [settings, ok, frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 11])],
  [settings, frame(5, 4, 1, [0, 0, 0, 2, 0x82]), okAndEnd],
  [settings, frame(1, 0, 1, [0x88]), frame(9, 4, 1, [0x5f, 1, 0x61]), end],
  [settings, frame(8, 0, 0, [0x7f, 0xff, 0xff, 0xff]), frame(6, 0, 0, Buffer.alloc(8)), okAndEnd],
  [frame(4, 0, 0, [0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]), ok, body, end],
].map((frames) => Buffer.concat(frames))

const request = { url: new URL('https://good.test/'), method: 'GET', headers: {} } as const

/** Does what http-round-trip.ts does, over a socket without TLS. */
async function roundTrip(socket: Socket) {
  const deadline = startDeadline(new AbortController().signal, timeoutMs)
  const exchange = http2Exchange(socket, request, 1_000, () => 0)
  await Promise.race([exchange.ended, deadline.passed])
  deadline.clear()
  const response = describeResponse(exchange.received(), false)
  exchange.close()
  expect(parse(httpRequest.entries.response, response)).toEqual(response)
}

describe('HTTP/2 frames', () => {
  if (offeredProtocols().includes('h2')) {
    it('end the round trip in time', async () => {
      await fuzzSockets(scripts(hostileBytes(...conversations)), cases(2_000, 9_000), async () => {
        const connect = await scriptedServer()
        return async (script) => roundTrip(await connect(script))
      })
    })

    it('in any order end the round trip in time', async () => {
      const shuffled = fc
        .array(fc.constantFrom(settings, acknowledged, ok, okAndEnd, withType, body, end, ...conversations), {
          maxLength: 12,
        })
        .map((frames) => Buffer.concat(frames))
      await fuzzSockets(scripts(shuffled), cases(300, 1_000), async () => {
        const connect = await scriptedServer()
        return async (script) => roundTrip(await connect(script))
      })
    })
  } else {
    it('do no harm to a Node.js that is offered HTTP/2', () => {
      const { status, output } = testUnderModernNode(import.meta.url)
      expect(status, output).toBe(0)
    })
  }
})
