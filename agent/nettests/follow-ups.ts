// What is asked once more when a handshake was cut or met silence, to tell a blocked name from a dead host: the same
// address under a neutral name, the same name at a neutral address. tests-spec/nettests/web-connectivity.md, step 5.
// Leaves what the answers mean to judge-failed-step.ts.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import {
  classicTag,
  foreignNameTag,
  neutralAddressTag,
  neutralHostTag,
  neutralNameTag,
  sameNameTag,
} from '../../tests-spec/nettests/failed-step.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import type { Endpoint } from '../operations/trace.ts'
import type { NettestContext } from './nettest.ts'
import { joinSeen, nothingSeen, type Seen } from './seen.ts'
import { askSystem, tryHandshake } from './steps.ts'

/**
 * Failures that a rule against a request in clear text can bring about, and that a busy host or a lost packet can too.
 */
const cutSilentOrForged: ReadonlySet<Failure> = new Set([
  'connection_reset',
  'eof_error',
  'generic_timeout_error',
  'timed_out',
  'http_invalid_response',
])

/**
 * Whether the first request in clear text in `parts` failed in a way that another may not; and where it was made, with its tags.
 * @returns null when it did not.
 */
export function requestWorthRepeating(
  parts: readonly Seen[],
): { readonly at: Endpoint; readonly tags: readonly string[] } | null {
  const seen = joinSeen(parts).observations
  const failed = seen.requests.find((each) => each.failure !== null && cutSilentOrForged.has(each.failure))
  const at = seen.tcp_connect.find((each) => each.transaction_id === failed?.transaction_id)
  if (failed === undefined || at === undefined) return null
  return { at: { ip: at.ip, port: at.port }, tags: failed.tags }
}

/** Failures that a name in the ClientHello can bring about, and that a dead host or a lost packet can too. */
const cutOrSilent: ReadonlySet<Failure> = new Set([
  'connection_reset',
  'eof_error',
  'generic_timeout_error',
  'timed_out',
])

/** Of TLS, `no_application_protocol`: none of the protocols offered (RFC 7301 §3.2). */
const noProtocol = 120
/** What helpers offer in their handshakes. */
const helpersProtocols = ['h2', 'http/1.1']

/**
 * Where this Node.js cannot offer HTTP/2 (offered-protocols.ts), a server that speaks nothing else ends the handshake, and not a
 * helper's. It is taken once more with what helpers offer, and ends there: nothing is asked over it.
 *
 * @param alpn - As in the first handshake.
 * @returns Nothing when no handshake ended for want of a protocol, or HTTP/2 had been offered.
 */
export async function offerAsHelpersDo(
  context: NettestContext,
  parts: readonly Seen[],
  alpn: readonly string[],
): Promise<Seen> {
  const seen = joinSeen(parts).observations
  const failed = seen.tls_handshakes.find((each) => each.x_sonde_tls_alert === noProtocol)
  const at = seen.tcp_connect.find((each) => each.transaction_id === failed?.transaction_id)
  if (alpn.includes('h2') || failed === undefined || at === undefined) return nothingSeen
  const names = { serverName: failed.server_name, alpn: helpersProtocols }
  const tags = [...failed.tags, sameNameTag]
  return (await tryHandshake(context, { ip: at.ip, port: at.port }, names, tags)).seen
}

/**
 * Follows up the first handshake in `parts` that was cut or met silence under a name.
 *
 * The same address under the neutral name, then under its own again, so that a lost packet is not taken for a blocked
 * name; only when it failed again, its name at the address of the neutral host, behind a name that is as foreign there,
 * and only while the cycle can afford it.
 *
 * @param alpn - As in the first handshake.
 * @returns Nothing when no handshake was. Five handshakes at most and one lookup, none of which ends in a request.
 */
export async function followUpHandshake(
  context: NettestContext,
  parts: readonly Seen[],
  alpn: readonly string[],
): Promise<Seen> {
  const seen = joinSeen(parts).observations
  const failed = seen.tls_handshakes.find(
    (each) => each.server_name !== '' && each.failure !== null && cutOrSilent.has(each.failure),
  )
  const endpoint = seen.tcp_connect.find((each) => each.transaction_id === failed?.transaction_id)
  if (failed === undefined || endpoint === undefined) return nothingSeen

  const name = failed.server_name
  const shake = async (at: Endpoint, serverName: string, tags: readonly string[]) =>
    (await tryHandshake(context, { ip: at.ip, port: at.port }, { serverName, alpn }, tags)).seen
  const neutral = await shake(endpoint, context.neutralName, [...failed.tags, neutralNameTag])
  const again = await shake(endpoint, name, [...failed.tags, sameNameTag])
  // Not even a connection: some boxes block an address for a while after they cut.
  const failedAgain = again.observations.tls_handshakes.every(
    ({ failure }) => failure !== null && cutOrSilent.has(failure),
  )
  if (!failedAgain || context.foreignName === null) return joinSeen([neutral, again])
  if (!context.mayAskElsewhere()) return { ...joinSeen([neutral, again]), isUnasked: true }
  const elsewhere = failed.tags.filter((tag) => tag !== classicTag)
  const asking = { tags: [neutralHostTag], timeoutMs: patience.lookupMs }
  const { seen: found, addresses } = await askSystem(context, context.neutralName, asking)
  const [address] = addresses
  if (address === undefined || address === endpoint.ip) return joinSeen([neutral, again, found])
  const at = { ip: address, port: endpoint.port }
  // First what must succeed: where a blocked name poisons the address for a while, it must not pay for it.
  const foreign = await shake(at, context.foreignName, [...elsewhere, foreignNameTag])
  const moved = await shake(at, name, [...elsewhere, neutralAddressTag])
  return joinSeen([neutral, again, found, foreign, moved])
}
