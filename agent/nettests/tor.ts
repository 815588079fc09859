// The nettest `tor`: tests-spec/nettests/tor.md. Each way into the network as far as it can be tried without speaking
// Tor: a request to a directory, a handshake with a relay, a connect to a bridge.

import { randomInt } from 'node:crypto'
import type { TlsHandshake } from '../../tests-spec/data-formats/observation.ts'
import { bareHost } from '../../tests-spec/nettests/host-text.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { tor as spec, targetTag } from '../../tests-spec/nettests/tor.ts'
import { publicTorTargets, type TorTarget } from '../../tests-spec/nettests/tor-targets.ts'
import { httpRoundTrip } from '../operations/http-round-trip.ts'
import { sideBySide } from '../operations/side-by-side.ts'
import { measuredBy, type Nettest, type NettestContext, usable } from './nettest.ts'
import { besides, joinSeen, type Seen, seenOf } from './seen.ts'
import { connect, tryConnect, tryHandshake } from './steps.ts'

/** OONI's: enough to see that it is no page. A consensus has a megabyte. */
const maxBodyBytes = 256
/** OONI's two would take four minutes over a link where all are silent. */
const targetsAtOnce = 4

export const tor: Nettest = measuredBy(spec, async (context, _input, { targets = publicTorTargets }) => {
  // A list must not make a device knock at its own network.
  const waiting = Object.entries(targets).filter(([, { address }]) => allowed(context, address))
  const described = waiting.map(([id, { address, name, protocol }]) => {
    const target_name = name === undefined ? {} : { target_name: name }
    return [id, { target_address: address, ...target_name, target_protocol: protocol }]
  })
  const seen: Seen[] = []
  const width = () => (context.isLineSlow() ? 1 : targetsAtOnce)
  await sideBySide(waiting, width, null, async (target) => {
    seen.push(await measureTarget(context, ...target))
  })
  return besides(joinSeen(seen), { targets: Object.fromEntries(described) })
})

/** IPv4, or IPv6 in brackets; the list's parser has seen to it. */
function endpointOf(address: string) {
  const colon = address.lastIndexOf(':')
  return { ip: bareHost(address.slice(0, colon)), port: Number(address.slice(colon + 1)) }
}

function allowed(context: NettestContext, address: string): boolean {
  return usable(context, [endpointOf(address).ip]).length > 0
}

async function measureTarget(context: NettestContext, id: string, target: TorTarget): Promise<Seen> {
  const { address, protocol } = target
  const endpoint = endpointOf(address)
  const tags = [targetTag(id)]
  if (protocol === 'or_port' || protocol === 'or_port_dirauth') {
    const { seen } = await tryHandshake(context, endpoint, { serverName: torServerName(), alpn: [] }, tags)
    const tls_handshakes = seen.observations.tls_handshakes.map(unverified)
    return { ...seen, observations: { ...seen.observations, tls_handshakes } }
  }
  const flow = { transactionId: context.transactionIds.next('cleartext'), tags }
  if (protocol === 'obfs4') return (await tryConnect(context, endpoint, flow)).seen
  const { seen, socket } = await connect(context, endpoint, flow)
  if (socket === null) return seen
  const url = new URL(`http://${address}/tor/status-vote/current/consensus.z`)
  const options = { ...flow, timeoutMs: patience.directoryResponseMs, maxBodyBytes }
  const trip = await httpRoundTrip(context.trace, socket, { url, method: 'GET', headers: {} }, options)
  return joinSeen([seen, seenOf({ requests: [trip.observation] }, trip.bytes)])
}

/** Of the form that Tor's own clients send: random, and of no site. */
function torServerName(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567'
  return `www.${Array.from({ length: 8 + randomInt(13) }, () => letters[randomInt(32)]).join('')}.com`
}

/** A relay signs its own certificate, for a name of chance: what would be a fault elsewhere is how it should be. */
function unverified(handshake: TlsHandshake): TlsHandshake {
  const ended = handshake.failure === null || handshake.peer_certificates.length > 0
  return { ...handshake, no_tls_verify: true, failure: ended ? null : handshake.failure }
}
