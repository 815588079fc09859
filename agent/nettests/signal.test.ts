// Signal as the agent measures it: its groups against servers on loopback, concluded by its own spec.

import { createServer } from 'node:https'
import { describe, expect, it } from 'vitest'
import { type Authority, makeAuthority } from '../../test/support/certificates.ts'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import { signal } from '../../tests-spec/nettests/signal.ts'
import { reachabilityOf } from './service-reachability.ts'

async function backend(authority: Authority): Promise<number> {
  const { key, cert } = authority.issue({ names: ['127.0.0.1'] })
  const server = createServer({ key, cert }, (_request, response) => response.writeHead(404).end())
  return (await serveWith(server)).port
}

const signalAt = (ports: Readonly<Record<string, number>>, root: string): Service => ({
  name: 'signal',
  groups: Object.entries(ports).map(([name, port]) => ({
    name,
    needs: 'any',
    endpoints: [{ kind: 'url', url: `https://127.0.0.1:${port}/`, method: 'HEAD' }],
  })),
  extra_roots: [root],
})

async function conclude(service: Service) {
  return measureKept(reachabilityOf(service, signal), makeContext(), null)
}

describe('signal', () => {
  it("is reached under an authority of its own, and not under somebody else's", async () => {
    const own = makeAuthority()
    const chat = await backend(own)
    const reached = await conclude(signalAt({ chat, storage: chat }, own.caPem))
    expect(reached.keys).toEqual({ signal_backend_status: 'ok', signal_backend_failure: null })
    expect(reached.verdict.verdict).toBe('ok')

    const forged = await backend(makeAuthority())
    const intercepted = await conclude(signalAt({ chat: forged, storage: chat }, own.caPem))
    expect(intercepted.keys).toEqual({
      signal_backend_status: 'blocked',
      signal_backend_failure: 'ssl_unknown_authority',
    })
    expect(intercepted.parts).toMatchObject({ chat: { verdict: 'undetermined' }, storage: { verdict: 'ok' } })
  })

  it('finds the one backend that is closed', async () => {
    const own = makeAuthority()
    const ports = { chat: await backend(own), calls: (await closedPort()).port }
    const { keys, parts } = await conclude(signalAt(ports, own.caPem))
    expect(keys).toEqual({ signal_backend_status: 'blocked', signal_backend_failure: 'connection_refused' })
    expect(parts?.calls).toMatchObject({ verdict: 'undetermined', rule: 'signal/failed_once@1' })
  })
})
