// Facebook Messenger as the agent measures it: its groups against servers on loopback, concluded by its own spec.

import { expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveTcp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { facebookMessenger } from '../../tests-spec/nettests/facebook-messenger.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import { reachabilityOf } from './service-reachability.ts'

it('facebook_messenger resolves, connects, and calls loopback what OONI would', async () => {
  const open = await serveTcp(() => {})
  const closed = await closedPort()
  const service: Service = {
    name: 'facebook_messenger',
    groups: [
      { name: 'stun', needs: 'any', endpoints: [{ kind: 'dns', host: 'localhost' }] },
      { name: 'edge', needs: 'any', endpoints: [{ kind: 'tcp', host: 'localhost', ports: [open.port] }] },
      { name: 'star', needs: 'any', endpoints: [{ kind: 'tcp', host: '127.0.0.1', ports: [closed.port] }] },
    ],
  }
  const { keys, parts } = await measureKept(reachabilityOf(service, facebookMessenger), makeContext(), null)
  expect(keys).toMatchObject({
    facebook_stun_dns_consistent: false,
    facebook_stun_reachable: null,
    // Loopback is not Meta's, and what is inconsistent is not said to be reachable.
    facebook_edge_dns_consistent: false,
    facebook_edge_reachable: null,
    // Nobody was asked for an address.
    facebook_star_dns_consistent: null,
    facebook_b_api_dns_consistent: null,
    facebook_dns_blocking: true,
    facebook_tcp_blocking: false,
  })
  expect(parts).toMatchObject({
    stun: { verdict: 'ok' },
    edge: { verdict: 'ok', rule: 'facebook_messenger/edge_reached_unverified@1' },
    star: { verdict: 'undetermined', rule: 'facebook_messenger/failed_once@1' },
  })
})
