// A page that comes slowly, from a server on loopback that lets it through in drops.

import http, { type ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { NettestContext } from './nettest.ts'
import { webConnectivity } from './web-connectivity.ts'

const bodyBytes = 40_000
const options = { body_bytes: bodyBytes }

/** Through a bucket of 160 kbit/s: 40 kB take two seconds and more. */
function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': bodyBytes })
  response.flushHeaders()
  let left = bodyBytes
  const timer = setInterval(() => {
    const next = Math.min(left, 1_600)
    left -= next
    response.write(Buffer.alloc(next, 'x'))
    if (left > 0) return
    clearInterval(timer)
    response.end()
  }, 90)
  response.on('close', () => clearInterval(timer))
}

async function serve(answer: (response: ServerResponse) => void) {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(request.method ?? '')
    answer(response)
  })
  const { port } = await serveWith(server)
  return { url: `http://127.0.0.1:${port}/`, asked }
}

async function measure(url: string, context: Partial<NettestContext>, given: typeof options | undefined) {
  return measureKept(webConnectivity, makeContext(context), url, given)
}

describe('webConnectivity', () => {
  it('fetches as much from the control after a slow page, and says what it compared', async () => {
    const slow = await serve(drip)
    const control = await serve((response) => response.end(Buffer.alloc(bodyBytes * 2)))
    const { seen, keys } = await measure(slow.url, { transferControl: control.url }, options)
    expect(control.asked).toEqual(['GET'])
    expect(keys.x_sonde_throttling).toMatchObject({
      bytes: bodyBytes,
      control: { bytes: bodyBytes, faster: true },
      outside: null,
    })
    const sampled = seen.observations.network_events.filter(
      ({ operation, tags }) =>
        operation === 'bytes_received_cumulative' && !tags.includes('followup=transfer_control'),
    )
    const bytes = sampled.map((each) => each.num_bytes ?? 0)
    expect(bytes.length).toBeGreaterThan(3)
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b))
    expect(bytes.at(-1)).toBeLessThan(bodyBytes + 1_000)
  })

  it('asks no control after a fast page, and samples nothing', async () => {
    const fast = await serve((response) => response.end(Buffer.alloc(bodyBytes)))
    const control = await serve((response) => response.end())
    const { seen, keys } = await measure(fast.url, { transferControl: control.url }, options)
    expect(control.asked).toEqual([])
    expect(keys).not.toHaveProperty('x_sonde_throttling')
    expect(seen.observations.requests[0]?.response).toMatchObject({ x_sonde_body_length: bodyBytes })
  })

  it('asks no control when the cycle cannot afford it', async () => {
    const slow = await serve(drip)
    const control = await serve((response) => response.end())
    const { verdict } = await measure(
      slow.url,
      { transferControl: control.url, mayAskElsewhere: () => false },
      options,
    )
    expect(control.asked).toEqual([])
    expect(verdict.how).not.toBe('throttling_suspected')
  })

  it('fetches no more than 16 KiB where the list does not ask for more', async () => {
    const fast = await serve((response) => response.end(Buffer.alloc(bodyBytes)))
    const { seen } = await measure(fast.url, {}, undefined)
    expect(seen.observations.requests[0]?.response).toMatchObject({ x_sonde_body_length: 16 * 1024 })
  })
})
