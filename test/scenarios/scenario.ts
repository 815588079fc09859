// What a scenario is: what the network does, what is measured, and what must be seen and concluded.

import { parseTestList, type TestList } from '../../tests-spec/lists/test-list.ts'
import type { Step, VerdictKind } from '../../tests-spec/nettests/verdict.ts'
import { labList } from '../lab/list.ts'
import type { Rule } from '../lab/policy.ts'
import type { IspKey } from '../lab/topology.ts'

export interface Scenario {
  readonly name: string
  /** null: what `list` holds. */
  readonly input: string | null
  readonly rules: readonly Rule[]
  /**
   * - `one`: one provider does it; a device on the other one measures the same at the same time, and says `ok`.
   * - `both`: both do it, and a device on each sees it.
   *
   * By default a single device measures.
   */
  readonly reach?: 'one' | 'both'
  /** Where it matters which provider does it; by default any. */
  readonly isp?: IspKey
  /** By the device that hangs on both lines, over one after the other. */
  readonly onBothLines?: true
  /** By the device that has no IPv4, on the line of `m`. */
  readonly onlyIpv6?: true
  /** With the helpers of the other country, which stand in the list. */
  readonly abroad?: true
  /** What the network does from some time after the agent was started. */
  readonly later?: readonly { readonly afterMs: number; readonly rules: readonly Rule[] }[]
  /** In place of the lab's usual list. */
  readonly list?: Partial<TestList>
  /**
   * `lasting` where the rule wants a failure to have lasted 30 seconds: by default the repeat comes after 1 second, and
   * the suite goes on sooner.
   */
  readonly repeatAfterSeconds?: typeof lasting
  /** More than two minutes of silence after silence: in the deep tests alone. */
  readonly isLong?: true
  readonly clockAheadSeconds?: number
  readonly clockSynced?: boolean
  readonly expect: Expectation
  /** Of a list of several, what is expected of some inputs; `expect` is that of the other one. */
  readonly others?: Readonly<Record<string, Other>>
}

export interface Other {
  /** Whether nothing is done to it. */
  readonly isInnocent: boolean
  readonly expect: Expectation
}

/** Of the last measurement of the cycle, which is the repeat when there was one. */
export interface Expectation {
  /** Several where chance decides. */
  readonly verdict: VerdictKind | readonly VerdictKind[]
  /** Without nettest and version. */
  readonly rule?: string
  readonly step?: Step | null
  /** The failure or finding that decided. */
  readonly how?: string
  /** An answer about the target was given nearer than the named resolver stands, by whom its name alone sets off. */
  readonly forgedNearer?: true
  /** A page that came and took its time. */
  readonly slow?: { readonly atLeastSeconds: number }
  /** Of each function of a service that is looked at. */
  readonly parts?: Readonly<Record<string, VerdictKind | readonly VerdictKind[]>>
  /**
   * The failure of each step on an address of the system resolver, first attempt; null for none. Steps that are left
   * out are not looked at.
   */
  readonly failures?: Partial<Readonly<Record<Step, string | null>>>
}

/** One more than the rule wants: a timer set to 30 s may fire within the last millisecond before, and count as 29. */
export const lasting = 31

/** The site that most scenarios are about. */
export const site = 'news.example'
export const page = `https://${site}/`
export const clearTextPage = `http://${site}/`
/** Sites that send every request on to these two. */
const redirecting: Readonly<Record<string, string>> = {
  [page]: 'http://short.example/',
  [clearTextPage]: 'http://plain-short.example/',
}

/** How long a scenario may last: the repeat is awaited, and wherever something is silent a deadline is, or several. */
export function secondsOf({ input, rules, repeatAfterSeconds }: Scenario): number {
  const silent = rules.some((rule) => {
    if (
      rule.kind === 'captive_portal' ||
      rule.kind === 'throttle' ||
      rule.kind === 'blackout' ||
      rule.kind === 'loss' ||
      rule.kind === 'largest_packet'
    )
      return true
    if (rule.kind === 'resolver') return rule.answer === 'silence'
    return 'action' in rule && (rule.action === 'drop' || rule.action === 'blackhole')
  })
  return (repeatAfterSeconds ?? 1) + (silent || input?.includes('silent') ? 40 : 5)
}

/** By one provider, and by both. */
export function onOneAndBoth(scenario: Scenario): Scenario[] {
  return [
    { ...scenario, name: `${scenario.name}, on one provider`, reach: 'one' },
    { ...scenario, name: `${scenario.name}, on both providers`, reach: 'both' },
  ]
}

/** By one, by both, and to the same site behind a redirect. */
export function everyWay(scenario: Scenario): Scenario[] {
  const input = redirecting[scenario.input ?? '']
  if (input === undefined) throw new TypeError(`Cannot redirect to "${scenario.input}": no site does`)
  const name = `${scenario.name}, behind a redirect`
  return [...onOneAndBoth(scenario), { ...scenario, name, input }]
}

/** A list of one entry: what is no URL, or has options. */
export function entry(
  nettest: 'dnscheck' | 'quicping' | 'stunreachability' | 'web_connectivity',
  input: string,
  options?: Readonly<Record<string, string | number>>,
): Pick<Scenario, 'input' | 'list'> {
  const one = { nettest, input, category_code: 'ANON', ...(options !== undefined && { options }) }
  return { input: null, list: { entries: parseTestList({ ...labList, entries: [one] }).entries } }
}
