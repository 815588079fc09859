// Questions with rising time to live, to servers on loopback, where every time to live is enough. On a network with routers:
// test/lab.

import { decode, encode } from 'dns-packet'
import { expect, it } from 'vitest'
import { closedPort, makeTrace, serveUdp } from '../../test/support/loopback.ts'
import { hopsToAnswer, maxHops } from './dns-hops.ts'

const waitMs = 500

it('gives the lowest time to live that was answered, and what it cost', async () => {
  let asked = 0
  const { port } = await serveUdp((message, reply) => {
    asked += 1
    const { id, questions } = decode(message)
    reply(encode({ type: 'response', id, questions }))
  })
  const { lowest, bytes } = await hopsToAnswer(
    makeTrace(),
    { ip: '127.0.0.1', port },
    'www.example.test',
    waitMs,
  )
  expect(lowest).toBe(1)
  expect(asked).toBe(maxHops)
  expect(bytes).toEqual({ sent: maxHops * 34, received: maxHops * 34 })
})

it('takes what is no answer to its question for none', async () => {
  const { port } = await serveUdp((message, reply) => {
    const { id = 0, questions } = decode(message)
    reply(encode({ type: 'response', id: (id + 1) % 65_536, questions }))
  })
  const { lowest } = await hopsToAnswer(makeTrace(), { ip: '127.0.0.1', port }, 'www.example.test', waitMs)
  expect(lowest).toBeNull()
})

it('finds nothing at a closed port, for a name that is none, and when it was stopped', async () => {
  const { port } = await closedPort()
  const at = { ip: '127.0.0.1', port }
  expect((await hopsToAnswer(makeTrace(), at, 'www.example.test', waitMs)).lowest).toBeNull()
  expect((await hopsToAnswer(makeTrace(), at, 'a..b', waitMs)).bytes.sent).toBe(0)
  const stopped = makeTrace({ signal: AbortSignal.abort() })
  expect((await hopsToAnswer(stopped, at, 'www.example.test', waitMs)).bytes.sent).toBe(0)
})
