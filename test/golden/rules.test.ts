// Every rule in both directions: the golden tables hold a sample that it speaks of, and a near miss, which differs in one
// respect and of which it does not speak. The nettests are those of all-nettests.ts, the rules those that they name, and
// the samples in the file here that bears a nettest's name. What would be kept of each sample fits its schema.

import { describe, expect, it } from 'vitest'
import { failedStepRules } from '../../tests-spec/nettests/judge-failed-step.ts'
import { serviceRules } from '../../tests-spec/nettests/service-reachability.ts'
import { disturbances, onDisturbance, type Verdict } from '../../tests-spec/nettests/verdict.ts'
import { faultsOf } from '../support/kept.ts'
import { measured } from '../support/measured.ts'
import type { Sample } from './golden.ts'
import { concluded, goldenTables, type Table } from './tables.ts'

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
function respectsOf({ seen, circumstances, outside: view }: Sample): ReadonlyMap<string, string> {
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
  const outside = Object.entries(view ?? {}).map(([key, value]): [string, unknown] => [
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
  const oneSided = (a.outside === null) !== (b.outside === null)
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

describe.each(goldenTables)('the golden table of $nettest', (table) => {
  const yielding = table.samples.flatMap((each) =>
    [...verdictsOf(table, each)].map(([rule, verdict]) => ({ rule, verdict, each })),
  )

  it.each(table.rules)('has a sample of %s, and a near miss', (rule) => {
    const found = yielding.filter((one) => listed(table, one.rule) === rule)
    expect(found.map(({ each }) => each.sentence)).not.toEqual([])
    const pairs = found.flatMap(({ rule: own, verdict, each }) => nearMiss(table, each, own, verdict) ?? [])
    expect(pairs.map(({ sentence }) => sentence)).not.toEqual([])
  })

  it('yields no rule that is in no list', () => {
    const known = new Set<string>([...table.rules, ...failedStepRules, ...serviceRules])
    expect(
      [...new Set(yielding.map(({ rule }) => listed(table, rule)))].filter((rule) => !known.has(rule)),
    ).toEqual([])
  })

  it.each(table.samples.map((each) => [each.sentence, each] as const))('fits its schema: %s', (_, each) => {
    const { keys, verdict, parts } = concluded(table, each)
    const over = {
      name: table.nettest,
      input: table.asked.input,
      keys,
      verdict,
      parts,
      link: each.circumstances.link,
    }
    expect(faultsOf(measured(each.seen, over))).toEqual([])
  })
})

const silences = new Set(['generic_timeout_error', 'dns_server_misbehaving', 'throttling_suspected'])

describe.each(goldenTables)('a disturbed probe finds nothing by $nettest', (table) => {
  it.each(disturbances)('%s', (disturbance) => {
    for (const { verdict } of table.samples.map((each) => concluded(table, each))) {
      const disturbed = onDisturbance(verdict, disturbance)
      const rule = `${table.nettest}/${disturbance}@1`
      // A neighbour's cut at its address explains nothing that rests on names.
      const isSpared =
        disturbance === 'after_a_cut' &&
        /link_down|server_name_interfered|resolvers_disagree|resolve_/.test(verdict.rule + verdict.verdict)
      // A line that is full of the probe's own explains silence alone.
      const isLoud =
        disturbance === 'own_traffic' && (verdict.verdict === 'link_down' || !silences.has(verdict.how ?? ''))
      if (verdict.verdict === 'ok' || isSpared || isLoud) expect(disturbed).toEqual(verdict)
      else expect(disturbed).toMatchObject({ verdict: 'undetermined', rule })
    }
  })
})
