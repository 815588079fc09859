// What became of one group of a service: reached, failed or not measured, and by which failures. Leaves to
// service-reachability.ts what that may be called.

import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { isBogon } from './bogon.ts'
import {
  addressesIn,
  classicTag,
  type FailedStep,
  failedStepOf,
  tagged,
  withoutFollowUps,
} from './failed-step.ts'
import { hostOf, portsOf, type ServiceEndpoint, type ServiceGroup } from './service.ts'
import { gotPastOutside, type ServiceControl } from './service-outside.ts'
import { failedAt } from './system-lookup.ts'
import { steps } from './verdict.ts'
import { depthTag } from './web-connectivity.ts'

/** Tags of every observation of a service: its group, and the host of its endpoint as the description has it. */
export const groupTag = (group: string) => `group=${group}`
export const hostTag = (host: string) => `host=${host}`

/**
 * What shows that a host was reached: its `certificate`; an `answer` that anyone on the path could have given, such as
 * an accepted connection or clear text; or only that its `name` has an address.
 */
export type Proof = 'name' | 'answer' | 'certificate'
const proofs: readonly Proof[] = ['name', 'answer', 'certificate']

export const groupStatuses = ['reached', 'failed', 'not_measured'] as const

/** With whether a helper outside got past the same step there; null when none says. */
export type FailedEndpoint = FailedStep & { readonly outside: boolean | null }

export interface GroupOutcome {
  readonly status: (typeof groupStatuses)[number]
  /** The best of the endpoints' where one is enough, else the weakest; null when the group was not reached. */
  readonly proof: Proof | null
  /** What to judge the group by; empty when it was reached. One where one endpoint is enough, else one an endpoint. */
  readonly failures: readonly FailedEndpoint[]
  /** The first of `failures`; null also when nothing was measured. */
  readonly failure: Failure | null
  /** Of a group that was reached by one port, each other port on which every host failed. */
  readonly deadPorts: ReadonlyMap<number, FailedEndpoint>
  /** Of a group that was reached by one host, what the others failed by, where a good part of them did; else null. */
  readonly deadHosts: FailedEndpoint | null
}

export function groupOutcome(
  seen: Observations,
  group: ServiceGroup,
  lab: boolean,
  control?: ServiceControl,
): GroupOutcome {
  const ofGroup = tagged(seen, groupTag(group.name))
  const outcomes = group.endpoints.map((endpoint) => endpointOutcome(ofGroup, endpoint, lab, control))
  const reached = outcomes.flatMap((each) => each.proof ?? []).sort(byStrength)
  const failures = outcomes.flatMap((each) => each.failed ?? [])
  if (group.needs === 'any' ? reached.length > 0 : reached.length === outcomes.length) {
    const proof = (group.needs === 'any' ? reached.at(-1) : reached[0]) ?? null
    const deadHosts = failures.length >= fewestDead(group) ? commonest(failures) : null
    const hidden = { deadPorts: deadPortsOf(ofGroup, group), deadHosts }
    return { status: 'reached', proof, failures: [], failure: null, ...hidden }
  }
  const nothingHidden = { deadPorts: new Map<number, FailedEndpoint>(), deadHosts: null }
  if (failures.length === 0)
    return { status: 'not_measured', proof: null, failures: [cutShort], failure: null, ...nothingHidden }
  const speaking = group.needs === 'any' ? [commonest(failures)] : failures
  const failure = speaking[0]?.failure ?? null
  return { status: 'failed', proof: null, failures: speaking, failure, ...nothingHidden }
}

/** Of many hosts a few have a fault of their own, or are retired. */
const fewestDead = ({ endpoints }: ServiceGroup) => Math.max(2, Math.ceil(endpoints.length / 4))

/** Where hosts have several ports, one that no host answers on is hidden by those that answer. One host may have a fault of its own. */
function deadPortsOf(ofGroup: Observations, { endpoints }: ServiceGroup): Map<number, FailedEndpoint> {
  const several = endpoints.filter((each) => each.kind === 'tcp' && each.ports.length > 1)
  const hosts = new Set(several.map((each) => hostTag(hostOf(each))))
  const connects = tagged(ofGroup, classicTag).tcp_connect.filter(({ tags }) =>
    tags.some((tag) => hosts.has(tag)),
  )
  const dead = new Map<number, FailedEndpoint>()
  for (const port of new Set(several.flatMap(portsOf))) {
    const failed = connects
      .filter((each) => each.port === port)
      .map(({ status, transaction_id }) =>
        status.failure === null
          ? null
          : { ...failedAt('connect', status.failure, [transaction_id]), outside: null },
      )
    const all = failed.filter((each) => each !== null)
    if (all.length > 1 && all.length === failed.length) dead.set(port, commonest(all))
  }
  return dead
}

const byStrength = (a: Proof, b: Proof) => proofs.indexOf(a) - proofs.indexOf(b)

/** Both null: nothing of it was seen. */
interface EndpointOutcome {
  readonly proof: Proof | null
  readonly failed: FailedEndpoint | null
}

function endpointOutcome(
  ofGroup: Observations,
  endpoint: ServiceEndpoint,
  lab: boolean,
  control: ServiceControl | undefined,
): EndpointOutcome {
  const seen = ofEndpoint(ofGroup, endpoint)
  if (seen.queries.length + seen.tcp_connect.length === 0) return { proof: null, failed: null }
  const proof = proofIn(seen, endpoint, lab)
  if (proof !== null) return { proof, failed: null }
  const step = failedStepOf(seen, lab) ?? cutShort
  const isNamed = control?.names[hostOf(endpoint)] === true
  const failed = {
    ...step,
    goneElsewhere: step.goneElsewhere && !isNamed,
    outside: gotPastOutside(control, endpoint, step, seen),
  }
  return { proof, failed: failed.step === 'connect' ? withEveryConnect(failed, seen) : failed }
}

/** Of a URL only the first hop: whatever answers there is the endpoint, wherever it may redirect to. */
function ofEndpoint(ofGroup: Observations, endpoint: ServiceEndpoint): Observations {
  const ofHost = tagged(ofGroup, hostTag(hostOf(endpoint)))
  const seen = endpoint.kind === 'url' ? tagged(ofHost, depthTag(0)) : ofHost
  const ports = portsOf(endpoint)
  // A peer that is gone before it is asked leaves no address.
  const isOfPort = ({ address }: { readonly address: string }) =>
    address === '' || ports.some((port) => address.endsWith(`:${port}`))
  return {
    ...seen,
    tcp_connect: seen.tcp_connect.filter(({ port }) => ports.includes(port)),
    tls_handshakes: seen.tls_handshakes.filter(isOfPort),
    requests: seen.requests.filter(isOfPort),
  }
}

function proofIn(seen: Observations, endpoint: ServiceEndpoint, lab: boolean): Proof | null {
  switch (endpoint.kind) {
    case 'url':
      if (failedStepOf(seen, lab) !== null) return null
      return endpoint.url.startsWith('https:') ? 'certificate' : 'answer'
    case 'tls':
      return withoutFollowUps(tagged(seen, classicTag)).tls_handshakes.some((each) => each.failure === null)
        ? 'certificate'
        : null
    case 'tcp':
      return tagged(seen, classicTag).tcp_connect.some((each) => each.status.success) ? 'answer' : null
    case 'dns': {
      const addresses = tagged(seen, classicTag).queries.flatMap(addressesIn)
      return addresses.some((ip) => lab || !isBogon(ip)) ? 'name' : null
    }
    default:
      return endpoint satisfies never
  }
}

/** Several ports of one host: the verdict rests on every connect that failed, under the commonest failure. */
function withEveryConnect(failed: FailedEndpoint, seen: Observations): FailedEndpoint {
  const each = tagged(seen, classicTag).tcp_connect.flatMap(({ status, transaction_id }) =>
    status.failure === null ? [] : [{ ...failed, failure: status.failure, because: [transaction_id] }],
  )
  return each.length === 0 ? failed : commonest(each)
}

/**
 * One failure for several of which one success would have been enough: among those that came furthest the commonest,
 * since the rare one may be chance. Rests on all that came as far.
 */
function commonest(failures: readonly FailedEndpoint[]): FailedEndpoint {
  const depth = ({ step }: FailedStep) => steps.indexOf(step)
  const deepest = Math.max(...failures.map(depth))
  const furthest = failures.filter((each) => depth(each) === deepest)
  const count = ({ failure }: FailedStep) => furthest.filter((each) => each.failure === failure).length
  const speaks = furthest.reduce(
    (most, each) => (count(each) > count(most) ? each : most),
    furthest[0] ?? cutShort,
  )
  const same = furthest.filter((each) => each.failure === speaks.failure)
  return {
    ...speaks,
    because: furthest.flatMap((each) => each.because),
    certificateFaults: [...new Set(same.flatMap((each) => each.certificateFaults))],
    resolvedElsewhere: anyTrue(same.map((each) => each.resolvedElsewhere)),
    reachedElsewhere: same.some((each) => each.reachedElsewhere),
    brokenZone: same.every((each) => each.brokenZone),
    goneElsewhere: same.every((each) => each.goneElsewhere),
    forgerySeen: same.some((each) => each.forgerySeen),
    filteredInHouse: same.every((each) => each.filteredInHouse),
    forgedAddress: same.every((each) => each.forgedAddress),
    unknownOutside: same.every((each) => each.unknownOutside),
    neutralName: same.find((each) => each.neutralName === 'answered')?.neutralName ?? speaks.neutralName,
    nameElsewhere: same.find((each) => each.nameElsewhere !== null)?.nameElsewhere ?? null,
    again: same.find((each) => each.again === 'passed')?.again ?? speaks.again,
    maybeLost: same.every((each) => each.maybeLost),
    onlyIpv6: furthest.every((each) => each.onlyIpv6),
    saidInside: same.every((each) => each.saidInside),
    hosts: same.length,
    // Of one host that fails everywhere the others need not be dead as well.
    outside: anyTrue(same.map((each) => each.outside)),
  }
}

/** null when none is known. */
function anyTrue(answers: readonly (boolean | null)[]): boolean | null {
  if (answers.includes(true)) return true
  return answers.includes(false) ? false : null
}

/** Nothing was sent, or nothing that could fail: as good as not measured. */
const cutShort: FailedEndpoint = { ...failedAt('resolve', 'interrupted', []), outside: null }
