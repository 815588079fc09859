// The nettest `sni_blocking`: tests-spec/nettests/sni-blocking.md. Handshakes with one server under two names.

import * as v from 'valibot'
import {
  judgeSniBlocking,
  sniBlockingKeys,
  sniBlockingName,
  sniBlockingOptions,
  sniBlockingVersion,
  sniTags,
} from '../../tests-spec/nettests/sni-blocking.ts'
import { tcpConnect } from '../operations/tcp-connect.ts'
import { tlsHandshake } from '../operations/tls-handshake.ts'
import { lookUpHost } from './host-lookup.ts'
import { joinSeen, type Nettest, type NettestContext, nothingSeen, type Seen } from './nettest.ts'

/** Milliseconds: OONI gives both steps ten seconds together. */
const tcpTimeoutMs = 10_000
const tlsTimeoutMs = 10_000

export const sniBlocking: Nettest = {
  name: sniBlockingName,
  version: sniBlockingVersion,
  async measure(context, input, options) {
    if (input === null) throw new TypeError('Cannot measure sni_blocking without an input')
    const { control_sni, test_helper_address } = v.parse(sniBlockingOptions, options ?? {})
    const controlName = control_sni ?? context.neutralName
    const helper = test_helper_address ?? `${controlName}:443`
    const [host = '', port] = helper.split(':')
    const { seen, addresses } = await lookUpHost(context, host, [])
    const parts = [seen]
    const [ip] = addresses
    if (ip !== undefined) {
      const endpoint = { ip, port: Number(port) }
      // The control first: where a blocked name poisons the address for a while, it must not pay for the target.
      parts.push(await shakeHands(context, endpoint, controlName, sniTags.control))
      const target = await shakeHands(context, endpoint, input, sniTags.target)
      parts.push(target)
      if (metSilence(target)) parts.push(await shakeHands(context, endpoint, input, sniTags.again))
    }
    const { observations, bytes } = joinSeen(parts)
    const control = { sni: controlName, th_address: helper }
    return { observations: { ...observations, control, target: { sni: input, th_address: helper } }, bytes }
  },
  conclude(observations, circumstances) {
    return {
      keys: { ...sniBlockingKeys(observations, circumstances.lab) },
      verdict: judgeSniBlocking(observations, circumstances),
      parts: null,
    }
  },
}

async function shakeHands(
  { trace, transactionIds, wallClock }: NettestContext,
  endpoint: { readonly ip: string; readonly port: number },
  serverName: string,
  tag: string,
): Promise<Seen> {
  const step = { transactionId: transactionIds.next('secure'), tags: [tag] }
  const connect = await tcpConnect(trace, endpoint, { ...step, timeoutMs: tcpTimeoutMs })
  const connected = { ...nothingSeen.observations, tcp_connect: [connect.observation] }
  if (connect.socket === null) return { ...nothingSeen, observations: connected }
  const options = { ...step, timeoutMs: tlsTimeoutMs, serverName, alpn: ['h2', 'http/1.1'], now: wallClock }
  const { observation, socket, bytes } = await tlsHandshake(trace, connect.socket, options)
  socket?.destroy()
  return { observations: { ...connected, tls_handshakes: [observation] }, bytes }
}

/** A lost packet looks the same: it is worth a second look. */
function metSilence({ observations }: Seen): boolean {
  const failure = observations.tls_handshakes[0]?.failure
  return failure === 'generic_timeout_error' || failure === 'timed_out'
}
