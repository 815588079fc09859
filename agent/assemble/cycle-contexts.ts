// What the nettests of a cycle may use, from the list and the configuration: which resolvers and helpers to ask,
// under which names, and how many failures may be looked into by asking elsewhere.

import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { Config } from '../config.ts'
import type { NettestContext } from '../nettests/nettest.ts'
import { transactionIds } from '../nettests/transaction-ids.ts'
import type { Trust } from '../operations/trace.ts'
import { type Clock, measurementClock } from '../platform/clock.ts'

export interface Means {
  readonly list: TestList
  readonly config: Config
  readonly trust: Trust
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly wallMs: () => number
  /** Whether the link leads to global IPv6 at this moment. */
  readonly ipv6: () => boolean
}

/**
 * @returns A function that makes a new context for each measurement of one cycle; it is given the resolver's place in
 * the list.
 */
export function contextsOfCycle({
  list,
  config,
  trust,
  signal,
  clock,
  wallMs,
  ipv6,
}: Means): (resolver: number | null) => NettestContext {
  const resolvers = config.resolvers ?? list.resolvers
  let questionsElsewhere = maxQuestionsElsewhere
  return (resolver) => ({
    trace: { clock: measurementClock(clock), localAddress: config.local_address, trust, signal },
    transactionIds: transactionIds(),
    resolver: resolvers[resolver ?? randomInt(Math.max(1, resolvers.length))] ?? null,
    helpers: list.helpers,
    neutralName: list.neutral_name,
    foreignName: foreignName(list),
    transferControl: list.transfer_control ?? null,
    mayAskElsewhere: () => questionsElsewhere-- > 0,
    ipv6: ipv6(),
    lab: config.lab,
    wallClock: wallMs,
  })
}

/**
 * Limit for one cycle. Where thirty names are blocked, eight of them show how, and each question costs as much as a
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
