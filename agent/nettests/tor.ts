// The nettest `tor`: tests-spec/nettests/tor.md. Each way into the network as far as it can be tried without speaking
// Tor: a request to a directory, a handshake with a relay, a connect to a bridge.

import { randomInt } from 'node:crypto'
import * as v from 'valibot'
import type { TlsHandshake } from '../../tests-spec/data-formats/observation.ts'
import {
  judgeTor,
  targetTag,
  torKeys,
  torName,
  torOptions,
  torVersion,
} from '../../tests-spec/nettests/tor.ts'
import { publicTorTargets, type TorTarget } from '../../tests-spec/nettests/tor-targets.ts'
import { httpRoundTrip } from '../operations/http-round-trip.ts'
import { tcpConnect } from '../operations/tcp-connect.ts'
import { tlsHandshake } from '../operations/tls-handshake.ts'
import { joinSeen, type Nettest, type NettestContext, nothingSeen, type Seen, usable } from './nettest.ts'

/** Milliseconds. OONI's, but for the connect, which is as in url-flow.ts. */
const tcpTimeoutMs = 10_000
const tlsTimeoutMs = 10_000
const httpTimeoutMs = 15_000
/** OONI's: enough to see that it is no page. A consensus has a megabyte. */
const maxBodyBytes = 256
/** OONI's two would take four minutes over a link where all are silent. */
const targetsAtOnce = 4

export const tor: Nettest = {
  name: torName,
  version: torVersion,
  async measure(context, _input, options) {
    const targets = v.parse(torOptions, options ?? {}).targets ?? publicTorTargets
    // A list must not make a device knock at its own network.
    const waiting = Object.entries(targets).filter(([, { address }]) => allowed(context, address))
    const described = waiting.map(([id, { address, name, protocol }]) => {
      const target_name = name === undefined ? {} : { target_name: name }
      return [id, { target_address: address, ...target_name, target_protocol: protocol }]
    })
    const seen: Seen[] = []
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        seen.push(await measureTarget(context, ...next))
    }
    await Promise.all(Array.from({ length: targetsAtOnce }, worker))
    const { observations, bytes } = joinSeen(seen)
    return { observations: { ...observations, targets: Object.fromEntries(described) }, bytes }
  },
  conclude(observations, circumstances) {
    const { verdict, parts } = judgeTor(observations, circumstances)
    return { keys: { ...torKeys(observations) }, verdict, parts }
  },
}

/** IPv4, or IPv6 in brackets; the list's parser has seen to it. */
function endpointOf(address: string) {
  const colon = address.lastIndexOf(':')
  return { ip: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) }
}

function allowed(context: NettestContext, address: string): boolean {
  return usable(context, [endpointOf(address).ip]).length > 0
}

async function measureTarget(context: NettestContext, id: string, target: TorTarget): Promise<Seen> {
  const { trace, transactionIds } = context
  const secure = target.protocol === 'or_port' || target.protocol === 'or_port_dirauth'
  const step = { transactionId: transactionIds.next(secure ? 'secure' : 'cleartext'), tags: [targetTag(id)] }
  const connect = await tcpConnect(trace, endpointOf(target.address), { ...step, timeoutMs: tcpTimeoutMs })
  const connected = { ...nothingSeen.observations, tcp_connect: [connect.observation] }
  if (connect.socket === null || target.protocol === 'obfs4') {
    connect.socket?.destroy()
    return { ...nothingSeen, observations: connected }
  }
  if (target.protocol === 'dir_port') {
    const url = new URL(`http://${target.address}/tor/status-vote/current/consensus.z`)
    const options = { ...step, timeoutMs: httpTimeoutMs, maxBodyBytes }
    const trip = await httpRoundTrip(trace, connect.socket, { url, method: 'GET', headers: {} }, options)
    return { observations: { ...connected, requests: [trip.observation] }, bytes: trip.bytes }
  }
  const options = {
    ...step,
    timeoutMs: tlsTimeoutMs,
    serverName: torServerName(),
    alpn: [],
    now: context.wallClock,
  }
  const { observation, socket, bytes } = await tlsHandshake(trace, connect.socket, options)
  socket?.destroy()
  return { observations: { ...connected, tls_handshakes: [unverified(observation)] }, bytes }
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
