// Which endpoints of a service a helper is asked about, by which URL, and what is kept of its answers.

import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveTcp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { sampleHelper } from '../../test/support/sample-helper.ts'
import type { Service, ServiceEndpoint } from '../../tests-spec/nettests/service.ts'
import { serviceReachability } from './service-reachability.ts'

async function measure(endpoints: readonly ServiceEndpoint[], helpers: readonly string[]) {
  const service: Service = {
    name: 'app',
    groups: [{ name: 'chat', needs: 'any', endpoints: [...endpoints] }],
  }
  return measureKept(
    serviceReachability(() => service),
    makeContext({ helpers }),
    'app',
  )
}
const tcp = (port: number, host = '127.0.0.1'): ServiceEndpoint => ({ kind: 'tcp', host, ports: [port] })

describe('withOutsideView()', () => {
  it('asks about what failed, on the port of the description, and keeps in brief what was seen', async () => {
    const { port } = await closedPort()
    const outside = await sampleHelper(true)
    const { seen, verdict } = await measure([tcp(port)], [outside.url])
    expect(outside.asked.map(({ http_request, tcp_connect }) => ({ http_request, tcp_connect }))).toEqual([
      { http_request: `http://127.0.0.1:${port}/`, tcp_connect: [`127.0.0.1:${port}`] },
    ])
    expect(seen.observations).toMatchObject({
      x_sonde_service_control: { helpers: [outside.url], tcp_connect: { [`127.0.0.1:${port}`]: true } },
    })
    expect(verdict.rule).toBe('service_reachability/failed_once@1')
  })

  it("lets a failure be that is everybody's", async () => {
    const { port } = await closedPort()
    const { verdict } = await measure([tcp(port)], [(await sampleHelper(false)).url])
    expect(verdict.rule).toBe('service_reachability/fails_outside_too@2')
  })

  it('asks about three endpoints of a group, of one that was reached only where many failed', async () => {
    const closed = await Promise.all([1, 2, 3, 4].map(async () => (await closedPort()).port))
    const outside = await sampleHelper(true)
    await measure(
      closed.map((port) => tcp(port)),
      [outside.url],
    )
    expect(outside.asked).toHaveLength(3)
    const open = await serveTcp(() => {})
    await measure([tcp(open.port), tcp(closed[0] ?? 0)], [outside.url])
    expect(outside.asked).toHaveLength(3)
    await measure([tcp(open.port), ...closed.map((port) => tcp(port))], [outside.url])
    expect(outside.asked).toHaveLength(6)
  })

  it('goes on without helpers, and where none answers', async () => {
    const { port } = await closedPort()
    const gone = `http://127.0.0.1:${(await closedPort()).port}/`
    for (const helpers of [[], [gone]]) {
      const { seen, verdict } = await measure([tcp(port)], helpers)
      expect(seen.observations).not.toHaveProperty('x_sonde_service_control')
      expect(verdict.rule).toBe('service_reachability/no_outside_view@1')
    }
  })
})
