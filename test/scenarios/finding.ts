// What the agent said of a scenario, next to what it should have said. Pure.

import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { classicTag, tagged, withoutFollowUps } from '../../tests-spec/nettests/failed-step.ts'
import { type Step, steps, type Verdict } from '../../tests-spec/nettests/verdict.ts'
import { depthTag } from '../../tests-spec/nettests/web-connectivity.ts'
import type { Expectation } from './scenario.ts'

export function verdictOf({ test_keys }: Measurement): Verdict {
  return test_keys.x_sonde_verdict as Verdict
}

/** @returns Each way in which the measurements are not as expected, in a sentence; none when all is right. */
export function faultsOf(measurements: readonly Measurement[], expected: Expectation): string[] {
  const last = measurements.at(-1)
  if (last === undefined) return ['nothing was measured']
  const { verdict, rule, step, how } = verdictOf(last)
  const allowed = [expected.verdict].flat()
  const faults: string[] = []
  const compare = (what: string, is: unknown, wanted: unknown) => {
    if (wanted !== undefined && is !== wanted) faults.push(`${what} is ${is}, expected ${wanted}`)
  }
  if (!allowed.includes(verdict))
    faults.push(`verdict is ${verdict} (${rule}), expected ${allowed.join(' or ')}`)
  // The first look counts as well: nothing of what is sent home may accuse a network that did nothing.
  if (!allowed.includes('anomaly') && measurements.some((each) => verdictOf(each).verdict === 'anomaly'))
    faults.push('an anomaly was reported where nothing is blocked')
  compare('rule', /\/([a-z_]+)@/.exec(rule)?.[1], expected.rule)
  compare('step', step, expected.step)
  compare('how', how, expected.how)
  if (expected.slow !== undefined) {
    const seconds = pageSeconds(last)
    if (!(seconds >= expected.slow.atLeastSeconds))
      faults.push(`the page took ${seconds} s, expected ${expected.slow.atLeastSeconds} or more`)
  }
  if (expected.forgedNearer === true) {
    const hops = (last.test_keys.x_sonde_dns_hops ?? {}) as Readonly<Record<string, number | null>>
    const { target = null, neutral = null, without_resolver: none = null } = hops
    if (target === null || neutral === null || none === null || !(target < neutral))
      faults.push(`the forger was placed at ${JSON.stringify(hops)}`)
  }
  const parts = (last.test_keys.x_sonde_parts ?? {}) as Readonly<Record<string, Verdict>>
  for (const [part, wanted] of Object.entries(expected.parts ?? {})) {
    const is = parts[part]?.verdict
    if (is === undefined || ![wanted].flat().includes(is))
      faults.push(`${part} is ${is} (${parts[part]?.rule}), expected ${wanted}`)
  }
  for (const each of steps) compare(each, failuresOf(last)[each], expected.failures?.[each])
  return faults
}

/** Of the target's own, and not of what it was compared with. NaN when none was asked for. */
function pageSeconds({ test_keys }: Measurement): number {
  const [one] = withoutFollowUps(test_keys as unknown as Observations).requests
  return one === undefined ? Number.NaN : one.t - one.t0
}

/** The first failure of each step, on the last hop, over addresses of the system resolver; undefined: not taken. */
export function failuresOf(measurement: Measurement): Partial<Record<Step, string | null>> {
  const keys = measurement.test_keys as unknown as Observations
  const all: Observations = {
    queries: keys.queries ?? [],
    tcp_connect: keys.tcp_connect ?? [],
    tls_handshakes: keys.tls_handshakes ?? [],
    requests: keys.requests ?? [],
    network_events: [],
  }
  const depth = [...all.queries, ...all.tcp_connect]
    .flatMap(({ tags }) => tags)
    .filter((tag) => /^depth=\d+$/.test(tag))
    .reduce((deepest, tag) => Math.max(deepest, Number(tag.slice(6))), 0)
  const seen = tagged(tagged(all, depthTag(depth)), classicTag)
  const first = (each: { readonly tags: readonly string[] }) =>
    !each.tags.some((tag) => tag.startsWith('followup='))
  const failures = {
    resolve: seen.queries[0]?.failure,
    connect: seen.tcp_connect.find(first)?.status.failure,
    tls_handshake: seen.tls_handshakes.find(first)?.failure,
    http_round_trip: seen.requests[0]?.failure,
  }
  return Object.fromEntries(Object.entries(failures).filter(([, failure]) => failure !== undefined))
}
