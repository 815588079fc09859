// The nettest `stunreachability`: tests-spec/nettests/stunreachability.md.

import { patience } from '../../tests-spec/nettests/patience.ts'
import { parseStunInput, stunReachability as spec } from '../../tests-spec/nettests/stunreachability.ts'
import { stunBinding } from '../operations/stun-binding.ts'
import { measuredBy, type Nettest } from './nettest.ts'
import { besides, joinSeen, seenOf } from './seen.ts'
import { lookUpHost } from './steps.ts'

export const stunReachability: Nettest = measuredBy(spec, async (context, input) => {
  const server = parseStunInput(input ?? '')
  if (server === null) throw new TypeError(`Cannot measure "${input}": expected stun://HOST:PORT`)
  const { seen, addresses } = await lookUpHost(context, server.host, [])
  const [ip] = addresses
  if (ip === undefined) return besides(seen, { x_sonde_stun_bindings: [] })
  const step = {
    transactionId: context.transactionIds.next('datagram'),
    tags: [],
    timeoutMs: patience.stunBindingMs,
  }
  const { observation, events, bytes } = await stunBinding(context.trace, { ip, port: server.port }, step)
  const all = joinSeen([seen, seenOf({ network_events: events }, bytes)])
  return besides(all, { x_sonde_stun_bindings: [observation] })
})
