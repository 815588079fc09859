// WhatsApp as the agent measures it: its groups against servers on loopback, concluded by its own spec.

import { createServer } from 'node:https'
import { describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveTcp, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { Service, ServiceGroup } from '../../tests-spec/nettests/service.ts'
import { whatsapp } from '../../tests-spec/nettests/whatsapp.ts'
import { reachabilityOf } from './service-reachability.ts'

const authority = makeAuthority()

const https = (name: string, port: number): ServiceGroup => ({
  name,
  needs: 'any',
  endpoints: [{ kind: 'url', url: `https://127.0.0.1:${port}/`, method: 'HEAD' }],
})

/** `localhost` is the one name that every machine resolves. */
const whatsappAt = (registration: number, web: number, ...chat: readonly number[]): Service => ({
  name: 'whatsapp',
  groups: [
    https('registration', registration),
    { name: 'endpoints', needs: 'any', endpoints: [{ kind: 'tcp', host: 'localhost', ports: [...chat] }] },
    https('web', web),
  ],
  extra_roots: [authority.caPem],
})

describe('whatsapp', () => {
  it('tells the function that is reset from those that work', async () => {
    const { key, cert } = authority.issue({ names: ['127.0.0.1'] })
    const site = await serveWith(createServer({ key, cert }, (_request, response) => response.end()))
    const reset = await serveTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()))
    const chat = await serveTcp(() => {})
    const closed = await closedPort()
    const nettest = reachabilityOf(whatsappAt(site.port, reset.port, closed.port, chat.port), whatsapp)
    const { keys, parts } = await measureKept(nettest, makeContext(), null)
    expect(keys).toEqual({
      registration_server_status: 'ok',
      registration_server_failure: null,
      whatsapp_endpoints_status: 'ok',
      whatsapp_endpoints_blocked: [],
      whatsapp_endpoints_dns_inconsistent: [],
      whatsapp_web_status: 'blocked',
      whatsapp_web_failure: 'connection_reset',
    })
    expect(parts).toMatchObject({
      registration: { verdict: 'ok', rule: 'whatsapp/registration_reached@1' },
      endpoints: { verdict: 'ok' },
      web: { verdict: 'undetermined', rule: 'whatsapp/failed_once@1' },
    })
  })

  it('names the chat host of which no port answered', async () => {
    const closed = await closedPort()
    const nettest = reachabilityOf(whatsappAt(closed.port, closed.port, closed.port), whatsapp)
    const { keys, verdict } = await measureKept(nettest, makeContext(), null)
    expect(keys).toMatchObject({
      whatsapp_endpoints_status: 'blocked',
      whatsapp_endpoints_blocked: ['localhost'],
    })
    expect(verdict).toMatchObject({ verdict: 'undetermined', rule: 'whatsapp/no_outside_view@1' })
  })
})
