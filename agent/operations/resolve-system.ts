// The `resolve` operation as every other program on the device does it: getaddrinfo. Follows OONI's df-002, engine
// `getaddrinfo`. It cannot tell which resolver was asked nor what came back on the wire; resolve-dns.ts can, and the
// comparison of the two is the purpose.

import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP, isIPv6 } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { DnsAnswer, DnsQuery } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import { asciiName } from './dns-message.ts'
import { failureOf } from './failure.ts'
import type { Resolution } from './resolve-dns.ts'
import type { StepOptions, Trace } from './trace.ts'

/** The part of `dns.lookup` that is used here. */
export type Lookup = (
  hostname: string,
  options: { readonly all: true; readonly order: 'verbatim' },
  callback: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void

/**
 * Asks the system for the addresses of `hostname`, both families at once.
 *
 * At most two lookups are under way in a process: each getaddrinfo that hangs holds one of libuv's four threads,
 * which files need too. Waiting for a turn does not count against the deadline, or a slow resolver would make the
 * lookups behind it time out. Only when every lookup under way hangs past its own deadline does the next one stop
 * waiting, after another `timeoutMs`; its query then carries `x_sonde_not_sent`: it says nothing about `hostname`.
 *
 * @param hostname - An IP literal resolves to itself and leaves no query, as in OONI.
 * @param lookup - Replaced in tests.
 * @returns One query of type `ANY`. No byte is counted: the system sends them, and the agent does not see them.
 */
export async function resolveSystem(
  trace: Trace,
  hostname: string,
  options: StepOptions,
  lookup: Lookup = dns.lookup,
): Promise<Resolution> {
  const bytes = { sent: 0, received: 0 }
  if (isIP(hostname) !== 0) return { queries: [], addresses: [hostname], failure: null, bytes }

  const { t0, addresses, failure, asked } = await ask(trace, hostname, options.timeoutMs, lookup)
  const query: DnsQuery = {
    engine: 'getaddrinfo',
    hostname,
    query_type: 'ANY',
    failure,
    answers: failure === null ? addresses.map(answerOf) : null,
    resolver_address: '',
    resolver_hostname: null,
    resolver_port: null,
    ...(!asked && { x_sonde_not_sent: true }),
    t0,
    t: trace.clock.elapsedSeconds(),
    transaction_id: options.transactionId,
    tags: [...options.tags],
  }
  return { queries: [query], addresses, failure, bytes }
}

interface Answer {
  readonly addresses: readonly string[]
  readonly failure: Failure | null
}

interface Asked extends Answer {
  /** When the question was asked, or when the wait for a turn began. */
  readonly t0: number
  /** False when the question was never asked. */
  readonly asked: boolean
}

async function ask(trace: Trace, hostname: string, timeoutMs: number, lookup: Lookup): Promise<Asked> {
  const begun = trace.clock.elapsedSeconds()
  const turn = takeTurn()
  const givenUp = await waitForTurn(trace, turn, timeoutMs)
  if (givenUp !== null) {
    turn.giveBack()
    return { addresses: [], failure: givenUp, t0: begun, asked: false }
  }
  const t0 = trace.clock.elapsedSeconds()
  const deadline = startDeadline(trace.signal, timeoutMs)
  // The turn ends when getaddrinfo does, however long that is after the operation stopped waiting.
  const answer = looked(hostname, lookup).finally(turn.giveBack)
  const failed = deadline.passed.then((failure) => {
    turn.hangs()
    return { addresses: [], failure }
  })
  const first = await Promise.race([answer, failed])
  deadline.clear()
  return { ...first, t0, asked: true }
}

/** @returns null when it is this lookup's turn. */
async function waitForTurn(trace: Trace, turn: Turn, timeoutMs: number): Promise<Failure | null> {
  if (trace.signal.aborted) return 'interrupted'
  for (;;) {
    const patience = startDeadline(trace.signal, timeoutMs)
    const cutoff = await Promise.race([turn.mine.then(() => null), patience.passed])
    patience.clear()
    if (cutoff === null || cutoff === 'interrupted' || everyLookupHangs()) return cutoff
  }
}

function looked(hostname: string, lookup: Lookup): Promise<Answer> {
  return new Promise((resolve) => {
    // `verbatim` keeps the order that the system chose, which is part of its answer.
    lookup(absolute(asciiName(hostname)), { all: true, order: 'verbatim' }, (error, found) => {
      if (error !== null) return resolve({ addresses: [], failure: lookupFailure(error) })
      const addresses = [...new Set(found.map((each) => each.address))]
      const failure = addresses.length === 0 ? 'dns_no_answer' : null
      resolve({ addresses, failure })
    })
  })
}

/**
 * With a final dot neither a search domain nor the device's hosts file is asked, which are both no part of the network. Names of
 * one label are the machine's own.
 */
const absolute = (name: string) => (name.includes('.') && !name.endsWith('.') ? `${name}.` : name)

/**
 * A C library that cannot open its configuration or a socket says the same as when no resolver answers. Whether this process
 * has a descriptor left is found out by opening an empty file.
 */
function lookupFailure(error: Error): Failure {
  const failure = failureOf(error, 'resolve')
  if (failure !== 'dns_server_misbehaving') return failure
  try {
    readFileSync('/dev/null')
    return failure
  } catch (cause) {
    const own = failureOf(cause, 'connect')
    return own === 'too_many_open_files' ? own : failure
  }
}

function answerOf(address: string): DnsAnswer {
  return isIPv6(address)
    ? { answer_type: 'AAAA', ipv6: address, ttl: null }
    : { answer_type: 'A', ipv4: address, ttl: null }
}

/** Half of libuv's threads, so that two lookups that hang leave threads for the spool's disk work. */
const maxLookups = 2
let lookups = 0
let hanging = 0
const waiting: (() => void)[] = []

const everyLookupHangs = () => hanging >= maxLookups

/** A place among the lookups under way. */
interface Turn {
  readonly mine: Promise<void>
  /** Says that the operation does not wait for this lookup any more. */
  hangs(): void
  /** Ends the turn, or leaves the queue. A second call does nothing. */
  giveBack(): void
}

function takeTurn(): Turn {
  let state: 'waiting' | 'running' | 'hanging' | 'over' = 'waiting'
  let begin = () => {}
  const mine = new Promise<void>((resolve) => {
    begin = () => {
      state = 'running'
      lookups++
      resolve()
    }
  })
  const hangs = () => {
    if (state !== 'running') return
    state = 'hanging'
    hanging++
  }
  const giveBack = () => {
    if (state === 'waiting') waiting.splice(waiting.indexOf(begin), 1)
    if (state === 'hanging') hanging--
    if (state === 'running' || state === 'hanging') {
      lookups--
      waiting.shift()?.()
    }
    state = 'over'
  }
  if (lookups < maxLookups) begin()
  else waiting.push(begin)
  return { mine, hangs, giveBack }
}
