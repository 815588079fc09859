// Telegram as the agent measures it: its groups against servers on loopback, concluded by its own spec.

import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveTcp, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import { telegram } from '../../tests-spec/nettests/telegram.ts'
import { reachabilityOf } from './service-reachability.ts'

/** Telegram with access points and web client on loopback. */
const telegramAt = (accessPoints: readonly number[], web: number): Service => ({
  name: 'telegram',
  groups: [
    {
      name: 'access_points',
      needs: 'any',
      endpoints: accessPoints.map((port) => ({
        kind: 'url',
        url: `http://127.0.0.1:${port}/`,
        method: 'POST',
      })),
    },
    {
      name: 'web',
      needs: 'any',
      endpoints: [{ kind: 'url', url: `http://127.0.0.1:${web}/`, method: 'GET' }],
    },
  ],
})

async function conclude(service: Service) {
  return measureKept(reachabilityOf(service, telegram), makeContext(), null)
}

describe('telegram', () => {
  it('is reached when one access point answers a POST, with whatever status', async () => {
    const server = await serveWith(
      createServer((request, response) => response.writeHead(request.method === 'POST' ? 501 : 200).end()),
    )
    const closed = await closedPort()
    const {
      seen: { observations },
      keys,
      verdict,
    } = await conclude(telegramAt([closed.port, server.port], server.port))
    expect(keys).toEqual({
      telegram_http_blocking: false,
      telegram_tcp_blocking: false,
      telegram_web_status: 'ok',
      telegram_web_failure: null,
    })
    expect(verdict.verdict).toBe('ok')
    expect(observations.requests.map((each) => each.response.code).sort()).toEqual([200, 501])
  })

  it('tells access points that accept and reset from access points that do not accept', async () => {
    const web = await serveWith(createServer((_request, response) => response.end()))
    const resetting = await serveTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()))
    const reset = await conclude(telegramAt([resetting.port], web.port))
    expect(reset.keys).toMatchObject({ telegram_http_blocking: true, telegram_tcp_blocking: false })
    // One host that restarts would do so twice within a second.
    expect(reset.parts?.access_points).toMatchObject({
      rule: 'telegram/failed_once@1',
      step: 'http_round_trip',
    })
    const closed = await conclude(telegramAt([(await closedPort()).port], web.port))
    expect(closed.keys).toMatchObject({ telegram_http_blocking: true, telegram_tcp_blocking: true })
    expect(closed.parts?.access_points).toMatchObject({ verdict: 'undetermined', how: 'connection_refused' })
  })
})
