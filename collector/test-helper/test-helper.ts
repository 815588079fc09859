// The helper as the server sees it: which requests are accepted now, what a request must contain, and the answer.
// Follows tests-spec/protocol/test-helper.md, "Refusals". It logs nothing: a log of requests and their senders would
// be a list of the people who look at forbidden sites.

import * as v from 'valibot'
import {
  type HelperEndpoint,
  type TestHelperResponse,
  testHelperRequest,
} from '../../tests-spec/protocol/test-helper.ts'
import { sourceOf } from '../source-of.ts'
import { type CheckAddress, checkNothing, checkPublic } from './destination.ts'
import { makeTrust } from './handshake.ts'
import { type Limits, usualLimits } from './limits.ts'
import { makeLookup } from './lookup.ts'
import { measure } from './measure.ts'
import type { Instruments } from './redirect-chain.ts'
import { TokenBuckets } from './token-buckets.ts'

export interface HelperSettings {
  /** For laboratories: the helper then also connects to private addresses, loopback and its own machine. */
  readonly allowPrivate: boolean
  /** Resolver to ask; null for the system's. */
  readonly resolver: HelperEndpoint | null
}

/** Parts that tests replace. */
export interface HelperParts {
  readonly limits?: Partial<Limits>
  readonly check?: CheckAddress
  /** PEM certificates to trust besides those of Node.js. */
  readonly extraCa?: readonly string[]
  /** @returns Milliseconds on a clock that never goes back. */
  readonly now?: () => number
}

export type HelperAnswer =
  | { readonly kind: 'measured'; readonly response: TestHelperResponse }
  | {
      readonly kind: 'refused'
      readonly status: 400 | 429 | 503
      readonly code: 'bad_request' | 'too_many_requests' | 'busy'
      readonly detail: string
      /** Seconds after which to ask again; null when asking again would not help. */
      readonly retryAfterSeconds: number | null
    }

/** The answer to `GET`. */
export const greeting = { message: 'A web_connectivity test helper is here; POST what it should look at' }

/** A request takes some seconds, so places become free within that time. */
const busyRetryAfterSeconds = 5

export class TestHelper {
  readonly #instruments: Instruments
  readonly #buckets = new TokenBuckets()
  readonly #now: () => number
  #inFlight = 0
  readonly #inFlightOf = new Map<string, number>()

  constructor({ allowPrivate, resolver }: HelperSettings, parts: HelperParts = {}) {
    const limits = { ...usualLimits, ...parts.limits }
    this.#now = parts.now ?? (() => performance.now())
    this.#instruments = {
      lookup: makeLookup(resolver, limits.lookupMs),
      check: parts.check ?? (allowPrivate ? checkNothing : checkPublic()),
      trust: makeTrust(parts.extraCa),
      limits,
    }
  }

  /**
   * @param body - As parsed from JSON, not checked.
   * @param from - IP address of the client; compared, and forgotten within seconds.
   * @param signal - Fires when the client does not wait for the answer any more.
   */
  async answer(body: unknown, from: string, signal: AbortSignal): Promise<HelperAnswer> {
    // This comes before the token: a client that is turned away because of others must not lose a token for it.
    const { maxInFlight, maxInFlightEach } = this.#instruments.limits
    const source = sourceOf(from)
    const ofSource = this.#inFlightOf.get(source) ?? 0
    if (this.#inFlight >= maxInFlight || ofSource >= maxInFlightEach) {
      return refused(503, 'busy', 'The helper is measuring for others', busyRetryAfterSeconds)
    }
    const waitMs = this.#buckets.take(from, this.#now())
    if (waitMs > 0) {
      return refused(429, 'too_many_requests', 'Too many requests from one address', Math.ceil(waitMs / 1000))
    }
    const { success, output, issues } = v.safeParse(testHelperRequest, body)
    if (!success) return refused(400, 'bad_request', issues.map(sentenceOf).join('; '), null)
    this.#inFlight++
    this.#inFlightOf.set(source, (this.#inFlightOf.get(source) ?? 0) + 1)
    try {
      return { kind: 'measured', response: await measure(output, this.#instruments, signal) }
    } catch (bug) {
      throw withoutWords(bug)
    } finally {
      this.#inFlight--
      const left = (this.#inFlightOf.get(source) ?? 1) - 1
      if (left === 0) this.#inFlightOf.delete(source)
      else this.#inFlightOf.set(source, left)
    }
  }
}

function refused(
  status: 400 | 429 | 503,
  code: 'bad_request' | 'too_many_requests' | 'busy',
  detail: string,
  retryAfterSeconds: number | null,
): HelperAnswer {
  return { kind: 'refused', status, code, detail, retryAfterSeconds }
}

function sentenceOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue)
  return path === null ? issue.message : `${path}: ${issue.message}`
}

/**
 * Tells where a bug is, without its message, which may quote what was asked: the server logs the errors thrown to it.
 */
function withoutWords(bug: unknown): Error {
  const frames = String(bug instanceof Error ? bug.stack : '').match(/^ +at .*$/gm) ?? []
  const clean = new Error('The test helper has a bug')
  clean.stack = [`Error: ${clean.message}`, ...frames].join('\n')
  return clean
}
