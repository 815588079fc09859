// No single observation of a target yields an anomaly: a verdict is about a pair. Every failure that an operation can have, at every
// step, seen once at one address, under every certificate fault, of a target that may be broken and of one that is not; and every
// golden sample, without all that was seen beside the target as people use it.

import { describe, expect, it } from 'vitest'
import { concluded, goldenTables } from '../../test/golden/tables.ts'
import { good, link } from '../../test/support/observations.ts'
import { type Failure, knownFailures } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { classicTag, withoutFollowUps } from './failed-step.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { failedAt } from './system-lookup.ts'
import { steps } from './verdict.ts'

const faults = [[], ['ssl_unknown_authority'], ['expired'], ['not_yet_valid'], ['ssl_invalid_hostname']]

describe.each(steps)('one failure at %s, with nothing beside it', (step) => {
  it.each(knownFailures.map((each): [Failure] => [each]))('%s', (failure) => {
    for (const certificateFaults of faults)
      for (const onlyIpv6 of [false, true])
        for (const maybeBroken of [false, true])
          for (const clock of ['synced', 'unknown'] as const)
            for (const state of ['up', 'degraded', 'unknown', 'down'] as const) {
              const failed = { ...failedAt(step, failure, [1]), certificateFaults, onlyIpv6 }
              const circumstances = { ...good, clock, link: { ...link(state), ipv6: true } }
              const { verdict, rule } = judgeFailedStep('a', failed, circumstances, {
                outside: null,
                maybeBroken,
              })
              expect(`${verdict} ${rule}`).not.toContain('anomaly')
            }
  })
})

/** Of each target its first flow by the system's resolver, and of that the first attempt; nobody else was asked. */
function seenOnce(seen: Observations): Observations {
  const plain = withoutFollowUps(seen)
  const asked = plain.queries.length > 0
  const first = <T extends { readonly tags: readonly string[] }>(all: readonly T[]) =>
    all.filter(({ tags }) => !asked || tags.includes(classicTag) || tags.length === 0).slice(0, 1)
  return {
    ...seen,
    queries: first(plain.queries.filter(({ engine }) => engine === 'getaddrinfo')),
    tcp_connect: first(plain.tcp_connect),
    tls_handshakes: first(plain.tls_handshakes),
    requests: first(plain.requests),
  }
}

/** `link_check` never speaks of a target. The others' one observation is a comparison: what was sent with what an echo server got, one name with another. */
const comparing = new Set([
  'http_header_field_manipulation',
  'http_invalid_request_line',
  'sni_blocking',
  'link_check',
])
const ofTargets = goldenTables.filter(({ nettest }) => !comparing.has(nettest))

describe.each(ofTargets)('the golden samples of $nettest, seen once', (table) => {
  it.each(table.samples.map((each) => [each.sentence, each] as const))('%s', (_, each) => {
    const own = Object.keys(each.seen).filter((key) => key.startsWith('x_sonde_') && key.includes('control'))
    const alone = { ...each, outside: null, circumstances: { ...each.circumstances, earlier: null } }
    const seen = { ...seenOnce(each.seen), ...Object.fromEntries(own.map((key) => [key, undefined])) }
    const { verdict } = concluded(table, { ...alone, seen })
    expect(`${verdict.verdict} ${verdict.rule}`).not.toContain('anomaly')
  })
})
