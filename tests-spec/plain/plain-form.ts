// START HERE. The plain form of a measurement: OONI's, as OONI's own tools load, score and join it. The kept form is ours,
// signed, and stays as it was measured; this is made from it, by one pure function, wherever records are given to readers.
// plain-form.md is the page.

import type { Measurement } from '../data-formats/measurement.ts'
import type { HttpRequest, TlsHandshake } from '../data-formats/observation.ts'
import type { Service } from '../nettests/service.ts'
import { signalService } from '../nettests/signal.ts'
import { telegramService } from '../nettests/telegram.ts'
import { whatsappService } from '../nettests/whatsapp.ts'
import { attemptsAt, attemptsAtService } from './attempts.ts'
import { controlForOoni } from './control.ts'
import { type Around, annotationsOf, idsOf, timesOf } from './envelope.ts'
import { unaskedRequests, withoutFindings } from './link-down.ts'
import { hasAny, joinLists, type Lists, listNames, listsWhere, noLists, shareOut } from './lists.ts'
import { type NetworkOf, onceForEachPort, withNetworks } from './lookups.ts'
import { isRepeatOf, nested } from './nested.ts'
import { eventsOf } from './network-events.ts'
import { inOoniWords } from './words.ts'

/** What the measurement does not say itself. What is not known here is left out of the plain form. */
export interface PlainContext extends Around {
  /** The DER of a certificate, base64, by its SHA-256 in hex; null when it is not known here. */
  readonly certificate: (sha256: string) => string | null
  readonly networkOf: NetworkOf
}

/** Nothing but the measurement itself. */
export const noContext: PlainContext = {
  place: null,
  dated: null,
  clock: null,
  lists: null,
  certificate: () => null,
  networkOf: () => null,
}

/** A line that OONI's tools read. Its schema is plain-schema.ts. */
export type PlainForm = Readonly<Record<string, unknown>> & {
  readonly test_keys: Readonly<Record<string, unknown>>
}

export function plainForm(measurement: Measurement, context: PlainContext = noContext): PlainForm {
  const { test_name, test_keys, resolver_ip } = measurement
  const keys = inOoniWords(controlForOoni(keysOf(measurement, context)))
  const isDown = test_keys.x_sonde_verdict.verdict === 'link_down'
  const shown = isDown ? { ...withoutFindings(keys), ...someRequests(test_name) } : keys
  const resolver = context.networkOf(resolver_ip)
  return {
    ...measurement,
    ...idsOf(measurement, context.place),
    ...timesOf(measurement, context.dated),
    annotations: annotationsOf(measurement, context),
    extensions: extensionsOf(shown),
    ...(resolver !== null && { resolver_asn: `AS${resolver.asn}`, resolver_network_name: resolver.name }),
    ...testHelpersOf(test_keys),
    test_keys: shown,
  }
}

function someRequests(test_name: string): object {
  const requests = unaskedRequests(test_name)
  return requests.length === 0 ? {} : { requests }
}

function keysOf(
  { test_name, input, test_keys }: Measurement,
  context: PlainContext,
): Record<string, unknown> {
  const { queries, tcp_connect, tls_handshakes, requests, network_events, ...others } = test_keys
  const lists: Lists = {
    queries: withNetworks(queries, context.networkOf),
    tcp_connect,
    tls_handshakes: tls_handshakes.map((each) => withChain(each, context)),
    requests: requests.map(withTor),
    network_events,
  }
  const again = listsWhere(lists, ({ tags }) => isRepeatOf(test_name, tags))
  const once = listsWhere(lists, ({ tags }) => !isRepeatOf(test_name, tags))
  const inParts = nested(test_name, others, once)
  if (inParts !== null)
    return { ...others, ...inParts, ...beside({ followUps: again, otherResolvers: noLists }) }
  const { own, ...asked } = shareOut(once)
  const { networkEvents, transferEvents } = eventsOf(own)
  const tried = attempts(test_name, input, own).map(withTor)
  return {
    ...others,
    // Of a measurement with several targets; OONI's engine leaves both null there.
    ...(Object.hasOwn(services, test_name) && { failed_operation: null, failure: null }),
    ...own,
    queries: onceForEachPort(own),
    requests: joinLists([own, { ...noLists, requests: tried }]).requests,
    network_events: networkEvents,
    ...(transferEvents.length > 0 && { x_sonde_transfer_events: transferEvents }),
    ...beside(asked),
  }
}

/** Lists of our own, in the same form, only where there is something in them. */
function beside({
  followUps,
  otherResolvers,
}: {
  readonly followUps: Lists
  readonly otherResolvers: Lists
}) {
  return {
    ...(hasAny(otherResolvers) && { x_sonde_other_resolvers: otherResolvers }),
    ...(hasAny(followUps) && { x_sonde_follow_ups: followUps }),
  }
}

const services: Readonly<Record<string, Service>> = {
  whatsapp: whatsappService,
  telegram: telegramService,
  signal: signalService,
}

function attempts(nettest: string, input: string | null, own: Lists): HttpRequest[] {
  const service = Object.hasOwn(services, nettest) ? services[nettest] : undefined
  if (service !== undefined) return attemptsAtService(service, own)
  return nettest === 'web_connectivity' && input !== null ? attemptsAt(input, 'GET', own) : []
}

/** A chain that the probe had kept before stands as its digests: here it is whole again, if every part is known. */
function withChain(handshake: TlsHandshake, { certificate }: PlainContext): TlsHandshake {
  const known = (handshake.x_sonde_certificates_sha256 ?? []).flatMap((digest) => certificate(digest) ?? [])
  if (known.length === 0 || known.length !== handshake.x_sonde_certificates_sha256?.length) return handshake
  return { ...handshake, peer_certificates: known.map((data) => ({ data, format: 'base64' })) }
}

/** Which no request here goes through, and every request of OONI's says. */
function withTor(request: HttpRequest): HttpRequest {
  const tor = { exit_ip: null, exit_name: null, is_tor: false }
  return { ...request, request: { ...request.request, tor } }
}

/** Versions of the archival formats that are there: nothing is named that has no entry. */
const extensionOf = {
  queries: 'dnst',
  requests: 'httpt',
  network_events: 'netevents',
  tcp_connect: 'tcpconnect',
  tls_handshakes: 'tlshandshake',
} as const

function extensionsOf(keys: Readonly<Record<string, unknown>>): Record<string, number> {
  const parts = [
    keys,
    keys.bootstrap,
    ...Object.values(keys.lookups ?? {}),
    ...Object.values(keys.targets ?? {}),
  ]
  const holds = (name: (typeof listNames)[number]) =>
    [...parts, keys.control, keys.target].some((part) => {
      const list = (part as Record<string, unknown> | null | undefined)?.[name]
      return Array.isArray(list) && list.length > 0
    })
  return Object.fromEntries(listNames.filter(holds).map((name) => [extensionOf[name], 0]))
}

/** Who gave the outside view, when one did. */
function testHelpersOf({ x_sonde_test_helper: address }: Measurement['test_keys']): object {
  if (typeof address !== 'string') return {}
  return { test_helpers: { backend: { address, type: new URL(address).protocol.replace(':', '') } } }
}
