// What the nettests of a cycle may use, from the list and the configuration: which resolvers and helpers to ask,
// under which names, and how many failures may be looked into by asking elsewhere.

import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { Config } from '../config.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { type HelperOutcome, isAtHome, type NettestContext } from '../nettests/nettest.ts'
import { transactionIds } from '../nettests/transaction-ids.ts'
import type { Trust } from '../operations/trace.ts'
import { type Clock, measurementClock } from '../platform/clock.ts'
import type { OwnAddresses } from '../platform/own-addresses.ts'
import { collectorAsHelper } from './own-controls.ts'

export interface Means {
  readonly list: TestList
  readonly config: Config
  /** In how many cycles the list is measured, which share the questions. */
  readonly rounds: number
  /** Whose this device is; null while it is not enrolled. */
  readonly collector: Collector | null
  readonly trust: Trust
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly wallMs: () => number
  /** What this device has at this moment. */
  readonly own: () => Pick<OwnAddresses, 'ipv4' | 'ipv6' | 'networks' | 'sources'>
}

/**
 * @returns A function that makes a new context for each measurement of one cycle; it is given the resolver's place in
 * the list, and who knows whether the line is slow.
 */
export function contextsOfCycle({
  list,
  config,
  rounds,
  collector,
  trust,
  signal,
  clock,
  wallMs,
  own,
}: Means): (resolver: number | null, isLineSlow: () => boolean) => NettestContext {
  // The operator may name the router at home; a list may not.
  const ofList = () =>
    list.resolvers.map(({ ip }, i) => (isAtHome(ip, own().networks) ? null : list.resolvers[i]))
  const resolvers = () => config.resolvers ?? (config.lab ? list.resolvers : ofList())
  const ofCollector = collectorAsHelper(config, collector)
  const helpers = helpersOfCycle([
    ...new Set([...list.helpers, ...(ofCollector === null ? [] : [ofCollector])]),
  ])
  let questionsElsewhere = Math.ceil(maxQuestionsElsewhere / rounds)
  return (resolver, isLineSlow) => ({
    trace: { clock: measurementClock(clock), sources: own().sources, trust, signal },
    transactionIds: transactionIds(),
    resolver: resolvers()[resolver ?? randomInt(Math.max(1, resolvers().length))] ?? null,
    get helpers() {
      return helpers.asked()
    },
    noteHelper: helpers.note,
    neutralName: list.neutral_name,
    foreignName: foreignName(list),
    filteredNames: list.filtered_names,
    transferControl: list.transfer_control ?? null,
    isLineSlow,
    mayAskElsewhere: () => questionsElsewhere-- > 0,
    // A laboratory may have loopback alone.
    ipv4: config.lab || own().ipv4,
    ipv6: own().ipv6,
    ownNetworks: own().networks,
    lab: config.lab,
    wallClock: wallMs,
  })
}

/** A helper that is silent costs each target its patience: after so many questions on end it is left alone for the cycle. */
const silencesToLeaveAlone = 3

function helpersOfCycle(urls: readonly string[]) {
  const silences = new Map(urls.map((url) => [url, 0]))
  return {
    asked: () => [...silences.keys()],
    note(this: void, url: string, outcome: HelperOutcome) {
      const before = silences.get(url)
      if (before === undefined) return
      const now = outcome === 'silent' ? before + 1 : 0
      if (outcome === 'none' || now >= silencesToLeaveAlone) silences.delete(url)
      else silences.set(url, now)
    },
  }
}

/**
 * Limit for the whole list. Where thirty names are blocked, eight of them show how, and each question costs as much as a
 * check: 6 kB.
 */
const maxQuestionsElsewhere = 8

/**
 * The host of a control is the least likely to be blocked; at the neutral host it is as foreign as a target's name.
 */
function foreignName({ controls, neutral_name }: TestList): string | null {
  const hosts = controls.map(({ url }) => new URL(url).hostname)
  return hosts.find((host) => isIP(host) === 0 && !host.startsWith('[') && host !== neutral_name) ?? null
}
