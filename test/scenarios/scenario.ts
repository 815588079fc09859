// What a scenario is: what the network does, what is measured, and what must be seen and concluded.

import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { Step, VerdictKind } from '../../tests-spec/nettests/verdict.ts'
import type { Rule } from '../lab/policy.ts'

export interface Scenario {
  readonly name: string
  /** null: what `list` holds. */
  readonly input: string | null
  readonly rules: readonly Rule[]
  /** What the network does from some time after the agent was started. */
  readonly later?: readonly { readonly afterMs: number; readonly rules: readonly Rule[] }[]
  /** In place of the lab's usual list. */
  readonly list?: Partial<TestList>
  /**
   * `lasting` where the rule wants a failure to have lasted 30 seconds: by default the repeat comes after 1 second, and
   * the suite goes on sooner.
   */
  readonly repeatAfterSeconds?: typeof lasting
  readonly clockAheadSeconds?: number
  readonly clockSynced?: boolean
  readonly expect: Expectation
}

/** Of the last measurement of the cycle, which is the repeat when there was one. */
export interface Expectation {
  /** Several where chance decides. */
  readonly verdict: VerdictKind | readonly VerdictKind[]
  /** Without nettest and version. */
  readonly rule?: string
  readonly step?: Step | null
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
