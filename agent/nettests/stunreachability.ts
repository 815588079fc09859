// The nettest `stunreachability`: tests-spec/nettests/stunreachability.md.

import {
  judgeStunReachability,
  parseStunInput,
  stunReachabilityKeys,
  stunReachabilityName,
  stunReachabilityVersion,
} from '../../tests-spec/nettests/stunreachability.ts'
import { stunBinding } from '../operations/stun-binding.ts'
import { lookUpHost } from './host-lookup.ts'
import { joinSeen, type Nettest, nothingSeen } from './nettest.ts'

/** Milliseconds: five requests of the RFC's seven. The last two would take half a minute. */
const bindingTimeoutMs = 10_000

export const stunReachability: Nettest = {
  name: stunReachabilityName,
  version: stunReachabilityVersion,
  async measure(context, input) {
    const server = parseStunInput(input ?? '')
    if (server === null) throw new TypeError(`Cannot measure "${input}": expected stun://HOST:PORT`)
    const { seen, addresses } = await lookUpHost(context, server.host, [])
    const [ip] = addresses
    if (ip === undefined)
      return { ...seen, observations: { ...seen.observations, x_sonde_stun_bindings: [] } }

    const step = {
      transactionId: context.transactionIds.next('datagram'),
      tags: [],
      timeoutMs: bindingTimeoutMs,
    }
    const binding = await stunBinding(context.trace, { ip, port: server.port }, step)
    const events = { ...nothingSeen.observations, network_events: [...binding.events] }
    const { observations, bytes } = joinSeen([seen, { observations: events, bytes: binding.bytes }])
    return { observations: { ...observations, x_sonde_stun_bindings: [binding.observation] }, bytes }
  },
  conclude(observations, circumstances, _control, input) {
    return {
      keys: { ...stunReachabilityKeys(observations, input ?? '', circumstances.lab) },
      verdict: judgeStunReachability(observations, circumstances),
      parts: null,
    }
  },
}
