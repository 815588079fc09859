// Addresses at which a connection was cut a short while ago. Some boxes, once a name has set them off, block everything between
// this device and that address for a minute or three, other names at it included: what fails there meanwhile pays for a
// neighbour. tests-spec/nettests/verdict.md, "Behind a neighbour's cut", is the page.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import {
  addressesIn,
  answeredInTls,
  neutralNameTag,
  tagged,
  withoutFollowUps,
} from '../../tests-spec/nettests/failed-step.ts'
import { isCut, residualSeconds, type Verdict } from '../../tests-spec/nettests/verdict.ts'

interface Cut {
  /** Which task met it. */
  readonly task: string
  readonly ip: string
  /** End of its measurement, by the monotonic clock. Milliseconds. */
  readonly ms: number
}

/** When a measurement was made, by the monotonic clock. Milliseconds. */
interface Span {
  readonly startedMs: number
  readonly endedMs: number
}

export class Cuts {
  #cuts: readonly Cut[]

  /** @param before - Those of the cycle before. */
  constructor(before: Cuts | null = null) {
    this.#cuts = before === null ? [] : before.#cuts
  }

  /** Remembers where `task` was cut, or met silence under a name that another host is silent to as well. */
  note(task: string, observations: Observations, { rule }: Verdict, endedMs: number): void {
    const byName = rule.includes('/server_name_interfered@')
    const { tls_handshakes, requests } = observations
    const failed = [...tls_handshakes, ...requests].filter(
      ({ failure }) => failure !== null && (isCut(failure) || byName),
    )
    const ips = new Set(failed.map(({ address }) => ipOf(address)))
    this.#cuts = [
      ...this.#cuts.filter(({ ms }) => endedMs - ms < residualSeconds * 1000),
      ...[...ips].map((ip) => ({ task, ip, ms: endedMs })),
    ]
  }

  /** @returns Seconds since another task was last cut at an address where this one failed; null when none was lately. */
  secondsSince(task: string, observations: Observations, { startedMs, endedMs }: Span): number | null {
    const failed = failedAt(observations)
    const before = this.#cuts.filter(
      (each) =>
        each.task !== task &&
        failed.has(each.ip) &&
        each.ms <= endedMs &&
        startedMs - each.ms < residualSeconds * 1000,
    )
    if (before.length === 0) return null
    const last = Math.max(...before.map(({ ms }) => ms))
    return Math.max(0, Math.round((startedMs - last) / 1000))
  }
}

/**
 * Not where a neutral name was answered in between, since nothing blocks that address; nor where a request was cut whose connection
 * came about, since its own name may have done that; nor where another resolver has other addresses, since then the answer is the
 * story, and forged ones often lead to one place.
 */
function failedAt(observations: Observations): Set<string> {
  const { tcp_connect, tls_handshakes, requests } = withoutFollowUps(observations)
  const open = tagged(observations, neutralNameTag).tls_handshakes.filter(answeredInTls)
  const answered = new Set(open.map(({ address }) => ipOf(address)))
  const others = withoutFollowUps(observations).queries.filter(({ engine }) => engine !== 'getaddrinfo')
  const theirs = others.flatMap(addressesIn)
  const failed = [
    ...tcp_connect.filter(({ status }) => !status.success).map(({ ip }) => ip),
    ...tls_handshakes.filter(({ failure }) => failure !== null).map(({ address }) => ipOf(address)),
    ...requests
      .filter(({ failure }) => failure !== null && !isCut(failure))
      .map(({ address }) => ipOf(address)),
  ]
  return new Set(failed.filter((ip) => !answered.has(ip) && (theirs.length === 0 || theirs.includes(ip))))
}

/** Of `IP:PORT`, IPv6 in brackets. */
const ipOf = (address: string) => address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
