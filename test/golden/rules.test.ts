// Every rule in both directions: the golden tables hold a sample that it speaks of, and a near miss, which differs in one
// respect and of which it does not speak. The rules are enumerated by the lists beside them, which the compiler holds them
// to. What would be kept of each sample fits its schema.

import { describe, expect, test } from 'vitest'
import { registryOf } from '../../agent/nettests/registry.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { dnscheckRules } from '../../tests-spec/nettests/dnscheck.ts'
import { facebookMessengerRules } from '../../tests-spec/nettests/facebook-messenger.ts'
import { headerFieldRules } from '../../tests-spec/nettests/http-header-field-manipulation.ts'
import { invalidRequestLineRules } from '../../tests-spec/nettests/http-invalid-request-line.ts'
import { failedStepRules } from '../../tests-spec/nettests/judge-failed-step.ts'
import { judgeLink, judgeLinkCheck } from '../../tests-spec/nettests/link-check.ts'
import { quicpingRules } from '../../tests-spec/nettests/quicping.ts'
import { serviceRules } from '../../tests-spec/nettests/service-reachability.ts'
import { sniBlockingRules } from '../../tests-spec/nettests/sni-blocking.ts'
import { stunReachabilityRules } from '../../tests-spec/nettests/stunreachability.ts'
import { torRules } from '../../tests-spec/nettests/tor.ts'
import {
  type Circumstances,
  disturbances,
  linkState,
  onDisturbance,
  unknownLink,
  type Verdict,
} from '../../tests-spec/nettests/verdict.ts'
import { webConnectivityRules } from '../../tests-spec/nettests/web-connectivity.ts'
import type { Control } from '../../tests-spec/nettests/web-control.ts'
import { faultsOf } from '../support/kept.ts'
import { measured } from '../support/measured.ts'
import { good, nothing } from '../support/observations.ts'
import * as dnscheck from './dnscheck.ts'
import { samples as facebookSamples } from './facebook-messenger.ts'
import * as headerField from './http-header-field-manipulation.ts'
import * as invalidRequestLine from './http-invalid-request-line.ts'
import { samples as linkSamples } from './link-check.ts'
import * as quicping from './quicping.ts'
import { app, samples as serviceSamples } from './service-reachability.ts'
import * as sniBlocking from './sni-blocking.ts'
import * as stun from './stunreachability.ts'
import * as throttling from './throttling.ts'
import * as tor from './tor.ts'
import * as web from './web-connectivity.ts'
import * as webControl from './web-control.ts'

const registry = registryOf([app])
type Name = keyof typeof registry

interface Sample {
  readonly sentence: string
  readonly seen: Observations & Readonly<Record<string, unknown>>
  readonly circumstances: Circumstances
  readonly control: Control | null
}

interface Table {
  readonly nettest: Name
  readonly input: string | null
  /** Its own rules, and in one table those that all share. */
  readonly rules: readonly string[]
  readonly samples: readonly Sample[]
}

const sample = (
  sentence: string,
  seen: Observations,
  circumstances: Partial<Circumstances> | undefined,
  control: Control | null = null,
): Sample => ({ sentence, seen, circumstances: { ...good, ...circumstances }, control })

const tables: readonly Table[] = [
  {
    nettest: 'web_connectivity',
    input: 'https://site.example/',
    rules: [...new Set([...failedStepRules, ...webConnectivityRules])],
    samples: [
      ...web.rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
      ...webControl.controlRows.map(([name, seen, control, , , circumstances]) =>
        sample(name, seen, circumstances, control),
      ),
      ...throttling.rows.map(([name, seen, control, , circumstances]) =>
        sample(name, seen, circumstances, control),
      ),
    ],
  },
  {
    nettest: 'dnscheck',
    input: 'https://dns.example/dns-query',
    rules: dnscheckRules,
    samples: dnscheck.rows.map(([name, seen, , circumstances]) =>
      sample(name, { ...seen, domain: 'example.org', x_default_addrs: [] }, circumstances),
    ),
  },
  {
    nettest: 'http_header_field_manipulation',
    input: null,
    rules: headerFieldRules,
    samples: headerField.rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
  },
  {
    nettest: 'http_invalid_request_line',
    input: null,
    rules: invalidRequestLineRules,
    samples: invalidRequestLine.rows.map(([name, seen, , , circumstances]) =>
      sample(name, seen, circumstances),
    ),
  },
  {
    nettest: 'quicping',
    input: 'quic.example',
    rules: quicpingRules,
    samples: quicping.rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
  },
  {
    nettest: 'stunreachability',
    input: stun.input,
    rules: stunReachabilityRules,
    samples: stun.rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
  },
  {
    nettest: 'sni_blocking',
    input: 'site.example',
    rules: sniBlockingRules,
    samples: sniBlocking.rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
  },
  {
    nettest: 'tor',
    input: null,
    rules: torRules,
    samples: tor.rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
  },
  {
    nettest: 'service_reachability',
    input: app.name,
    rules: serviceRules,
    samples: serviceSamples.map(([name, seen, circumstances]) => sample(name, seen, circumstances)),
  },
  {
    nettest: 'facebook_messenger',
    input: null,
    rules: facebookMessengerRules,
    samples: facebookSamples.map(([name, seen, circumstances]) => sample(name, seen, circumstances)),
  },
]

const concluded = ({ nettest, input }: Table, { seen, circumstances, control }: Sample) =>
  registry[nettest].conclude(seen, circumstances, control ?? undefined, input)

/** Verdict and parts, by rule; without nettest and version. */
function verdictsOf(table: Table, each: Sample): ReadonlyMap<string, Verdict> {
  const { verdict, parts } = concluded(table, each)
  const all = [verdict, ...Object.values(parts ?? {})]
  return new Map(all.map((one) => [one.rule.replace(/^[a-z_]+\//, '').replace(/@\d+$/, ''), one]))
}

/** The rule as its list has it: a service's groups have names of their own. */
function listed({ rules }: Table, rule: string): string {
  return rules.includes(rule)
    ? rule
    : rule.replace(/^[a-z_]+(?=_(reached(_unverified)?|alone_fails)$)/, 'GROUP')
}

const lists = ['queries', 'tcp_connect', 'tls_handshakes', 'requests'] as const
const stepOf = {
  queries: 'resolve',
  tcp_connect: 'connect',
  tls_handshakes: 'tls_handshake',
  requests: 'http_round_trip',
}

/**
 * What a sample consists of, by respect: the course of each flow, which its tags name; each of the circumstances; each
 * part of the helper's answer; and each entry of what the nettest has beside the five lists.
 */
function respectsOf({ seen, circumstances, control }: Sample): ReadonlyMap<string, string> {
  const flows: Record<string, unknown[]> = {}
  for (const list of lists)
    for (const each of seen[list]) {
      const flow = `flow ${[...each.tags].sort().join(' ')}`
      flows[flow] = [...(flows[flow] ?? []), [list, each]]
    }
  const beside = Object.entries(seen).filter(
    ([key]) => ![...lists, 'network_events'].includes(key as 'queries'),
  )
  const entries = beside.flatMap(([key, value]): [string, unknown][] =>
    Array.isArray(value) ? value.map((one, index) => [`${key} ${index}`, one]) : [[key, value]],
  )
  const outside = Object.entries(control ?? {}).map(([key, value]): [string, unknown] => [
    `outside ${key}`,
    value,
  ])
  const all = [...Object.entries(flows), ...Object.entries(circumstances), ...entries, ...outside]
  return new Map(all.map(([key, value]) => [key, JSON.stringify(value)]))
}

/** That a helper answered, and with what, is one respect; and so is that anything was measured at all. */
function differing(a: Sample, b: Sample): string[] {
  const [left, right] = [respectsOf(a), respectsOf(b)]
  const keys = [...new Set([...left.keys(), ...right.keys()])].filter(
    (key) => left.get(key) !== right.get(key),
  )
  const oneSided = (a.control === null) !== (b.control === null)
  const nothing = [a, b].some(({ seen }) => lists.every((list) => seen[list].length === 0))
  const isSeen = (key: string) => !key.startsWith('outside ') && !(key in a.circumstances)
  const respect = (key: string) => {
    if (oneSided && key.startsWith('outside ')) return 'outside'
    return nothing && isSeen(key) ? 'measured' : key
  }
  return [...new Set(keys.map(respect))]
}

/** What was seen before the step that decided: two samples that differ there are two stories. */
function before({ step }: Verdict, { seen }: Sample): string {
  const at = lists.findIndex((list) => stepOf[list] === step)
  return JSON.stringify(at < 0 ? [] : lists.slice(0, at).map((list) => seen[list]))
}

function nearMiss(table: Table, found: Sample, rule: string, verdict: Verdict): Sample | undefined {
  return table.samples.find(
    (other) =>
      !verdictsOf(table, other).has(rule) &&
      differing(found, other).length === 1 &&
      before(verdict, found) === before(verdict, other),
  )
}

describe.each(tables)('the golden table of $nettest', (table) => {
  const yielding = table.samples.flatMap((each) =>
    [...verdictsOf(table, each)].map(([rule, verdict]) => ({ rule, verdict, each })),
  )

  test.each(table.rules)('has a sample of %s, and a near miss', (rule) => {
    const found = yielding.filter((one) => listed(table, one.rule) === rule)
    expect(found.map(({ each }) => each.sentence)).not.toEqual([])
    const pairs = found.flatMap(({ rule: own, verdict, each }) => nearMiss(table, each, own, verdict) ?? [])
    expect(pairs.map(({ sentence }) => sentence)).not.toEqual([])
  })

  test('yields no rule that is in no list', () => {
    const known = new Set<string>([...table.rules, ...failedStepRules, ...serviceRules])
    expect(
      [...new Set(yielding.map(({ rule }) => listed(table, rule)))].filter((rule) => !known.has(rule)),
    ).toEqual([])
  })

  test.each(table.samples.map((each) => [each.sentence, each] as const))('fits its schema: %s', (_, each) => {
    const { keys, verdict, parts } = concluded(table, each)
    const over = {
      name: table.nettest,
      input: table.input,
      keys,
      verdict,
      parts,
      link: each.circumstances.link,
    }
    expect(faultsOf(measured(each.seen, over))).toEqual([])
  })
})

describe('the rules of link_check', () => {
  const judged = linkSamples.map((results) => {
    const state = judgeLink(results, unknownLink, '2018-07-29T17:43:00.000Z')
    const verdict = judgeLinkCheck({ ...nothing, x_sonde_controls: results }, state)
    return { results, verdict }
  })
  const other = (a: readonly unknown[], b: readonly unknown[]) =>
    Array.from({ length: Math.max(a.length, b.length) }, (_, index) => index).filter(
      (index) => JSON.stringify(a[index]) !== JSON.stringify(b[index]),
    ).length

  test.each(linkState.entries.state.options)('have a sample of %s, and a near miss', (state) => {
    const found = judged.filter(({ verdict }) => verdict.rule === `link_check/${state}@1`)
    expect(found.length).toBeGreaterThan(0)
    const misses = judged.filter(({ verdict, results }) =>
      found.some((each) => each.verdict.rule !== verdict.rule && other(each.results, results) === 1),
    )
    expect(misses.length).toBeGreaterThan(0)
  })

  test.each(judged)('fit the schema: $verdict.rule', ({ results, verdict }) => {
    const keys = { x_sonde_controls: results }
    const over = { name: 'link_check', input: null, keys, verdict }
    expect(faultsOf(measured(nothing, over))).toEqual([])
  })
})

describe('a disturbed probe', () => {
  const table = tables[0] as Table
  const verdicts = table.samples.map((each) => concluded(table, each).verdict)

  test.each(disturbances)('finds nothing: %s', (disturbance) => {
    for (const verdict of verdicts) {
      const disturbed = onDisturbance(verdict, disturbance)
      if (verdict.verdict === 'ok') expect(disturbed).toEqual(verdict)
      else
        expect(disturbed).toMatchObject({
          verdict: 'undetermined',
          rule: `web_connectivity/${disturbance}@1`,
        })
    }
  })
})
