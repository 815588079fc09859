// The nettest `service_reachability`: tests-spec/nettests/service-reachability.md. Measures whatever a description
// names; the messengers of OONI's list are measured here too, each concluded by its own spec.

import { isIP } from 'node:net'
import { classicTag } from '../../tests-spec/nettests/failed-step.ts'
import { groupTag, hostTag } from '../../tests-spec/nettests/group-outcome.ts'
import type { NettestSpec } from '../../tests-spec/nettests/nettest-spec.ts'
import {
  hostOf,
  type Service,
  type ServiceEndpoint,
  type ServiceGroup,
} from '../../tests-spec/nettests/service.ts'
import { serviceReachability as spec } from '../../tests-spec/nettests/service-reachability.ts'
import { sideBySide } from '../operations/side-by-side.ts'
import type { Trust } from '../operations/trace.ts'
import { makeTrust } from '../operations/trust.ts'
import { withOutsideView } from './ask-about-service.ts'
import { doubtAddress, doubtLookup, showsForeignCertificate } from './doubt-lookup.ts'
import { followUpHandshake } from './follow-ups.ts'
import { measuredBy, type Nettest, type NettestContext, usable } from './nettest.ts'
import { joinSeen, nothingSeen, type Seen } from './seen.ts'
import { type Attempt, lookUpHost, type Names, tryConnect, tryHandshake } from './steps.ts'
import { followUrl } from './url-flow.ts'

/** Enough that 16 silent hosts end within half a minute, few enough for a small router. */
const endpointsAtOnce = 8

/** @param serviceNamed - Looks a description up in the test list, by the `input` of the entry. */
export function serviceReachability(serviceNamed: (name: string) => Service | undefined): Nettest {
  return measuredBy(spec, async (context, input) => {
    const service = serviceNamed(input ?? '')
    // The list's parser refuses such an entry.
    if (service === undefined) throw new TypeError(`Cannot measure "${input}": no such service is described`)
    return measureService(context, service)
  })
}

/** @param service - The real one, unless a laboratory describes it with other endpoints. */
export function reachabilityOf(service: Service, of: NettestSpec): Nettest {
  return measuredBy(of, async (context) => measureService(context, service))
}

/**
 * Observes every endpoint of `service`. The first of each group come first, so that groups that are compared with each
 * other are seen at the same time.
 */
async function measureService(context: NettestContext, service: Service): Promise<Seen> {
  const trusting = withRootsOf(service, context)
  const waiting = service.groups
    .flatMap((group) => group.endpoints.map((endpoint, place) => ({ group, endpoint, place })))
    .sort((a, b) => a.place - b.place)
  const seen: Seen[] = []
  await sideBySide(
    waiting,
    () => (context.isLineSlow() ? 1 : endpointsAtOnce),
    null,
    async ({ group, endpoint }) => {
      seen.push(await measureEndpoint(trusting, group, endpoint))
    },
  )
  return { ...(await withOutsideView(context, service.groups, joinSeen(seen))), service }
}

async function measureEndpoint(
  context: NettestContext,
  group: ServiceGroup,
  endpoint: ServiceEndpoint,
): Promise<Seen> {
  const host = hostOf(endpoint)
  const tags = [groupTag(group.name), hostTag(host)]
  // A list must not make a device knock at its own network: an address that is no public one is not measured.
  if (isIP(host) !== 0 && usable(context, [host]).length === 0) return nothingSeen
  if (endpoint.kind === 'url') {
    return followUrl(context, endpoint.url, tags, {
      helper: false,
      followUps: true,
      method: endpoint.method,
    })
  }
  const { seen, addresses } = await lookUpHost(context, host, tags)
  const parts = [seen]
  if (addresses.length === 0) parts.push(await doubtLookup(context, host, seen, tags))
  if (endpoint.kind === 'dns') return joinSeen(parts)
  for (const ip of addresses.slice(0, addressesToTry(group))) {
    const attempt =
      endpoint.kind === 'tcp'
        ? await connectToPorts(context, ip, endpoint.ports, [...tags, classicTag])
        : await tryHandshake(context, { ip, port: endpoint.port }, namesFor(endpoint), [...tags, classicTag])
    parts.push(attempt.seen)
    if (attempt.reached) return joinSeen(parts)
  }
  if (endpoint.kind === 'tls') {
    parts.push(await followUpHandshake(context, parts, alpnFor(endpoint.port)))
    if (showsForeignCertificate(parts)) parts.push(await doubtAddress(context, host, seen, tags))
  }
  return joinSeen(parts)
}

/** One dead server of two says nothing. Where one host of many is enough, the next host is the second try. */
function addressesToTry({ needs, endpoints }: ServiceGroup): number {
  return needs === 'any' && endpoints.length > 1 ? 1 : 2
}

/** At once, since a connect carries no payload and a silent port costs its whole deadline. */
async function connectToPorts(
  context: NettestContext,
  ip: string,
  ports: readonly number[],
  tags: readonly string[],
): Promise<Attempt> {
  const attempts = await Promise.all(
    ports.map(async (port) => {
      const flow = { transactionId: context.transactionIds.next('cleartext'), tags }
      return tryConnect(context, { ip, port }, flow)
    }),
  )
  return {
    seen: joinSeen(attempts.map((each) => each.seen)),
    reached: attempts.some((each) => each.reached),
  }
}

function namesFor({ host, port, server_name }: Extract<ServiceEndpoint, { kind: 'tls' }>): Names {
  const name = server_name ?? host
  return { serverName: name, verifyName: name, alpn: alpnFor(port) }
}

/** What a browser says; elsewhere nobody expects HTTP. */
const alpnFor = (port: number) => (port === 443 ? ['h2', 'http/1.1'] : [])

/** Made once for each description, since a trust costs a megabyte and some 20 ms. */
const trusts = new WeakMap<Service, { readonly base: Trust; readonly extended: Trust }>()

function withRootsOf(service: Service, context: NettestContext): NettestContext {
  if (service.extra_roots === undefined) return context
  const { trust: base } = context.trace
  let known = trusts.get(service)
  if (known?.base !== base) {
    const roots = base.roots === undefined ? {} : { roots: base.roots }
    known = { base, extended: makeTrust({ ...roots, extraCa: service.extra_roots }) }
    trusts.set(service, known)
  }
  return { ...context, trace: { ...context.trace, trust: known.extended } }
}
