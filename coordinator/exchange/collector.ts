// Speaks with a collector: reads what it publishes, believing nothing of it, and sends it what is new
// (tests-spec/lists/publishing.md).

import { listsMediaType } from '../../tests-spec/lists/lists-upload.ts'
import {
  type Answer,
  type Ask,
  fetchTarget,
  refresh,
  refreshEveryRole,
} from '../../tests-spec/lists/tuf/client-workflow.ts'
import { writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import { deviceLimits, type Terms, type TrustedSet } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { fileName, walkAsking } from '../../tests-spec/lists/tuf/walk.ts'
import { CommandFailed } from '../command-failed.ts'

/** A person waits; a line in the field takes its time. */
const answerWithinMs = 60_000
/** More, and something would be dated wrongly. Hours are a time zone that was mistaken, and do no harm. */
const clockOffMs = 86_400_000

/** What has expired is still what is out. */
const terms: Terms = {
  effectiveMs: 0,
  limits: { ...deviceLimits, rootsPerRefresh: 1_024 },
  floor: new Map(),
}

export interface Published {
  readonly set: TrustedSet
  /** Every file that was read, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

export interface SeenProbe {
  readonly device: string
  /** null: nothing was received yet. */
  readonly received_at: string | null
  readonly revoked?: boolean
  readonly lists: Readonly<Record<string, number>>
}

export class RemoteCollector {
  readonly url: string
  #itsClockMs: number | null = null

  constructor(url: string) {
    this.url = url.replace(/\/+$/, '')
  }

  /**
   * @param trusted - What this folder trusts; the collector's must follow from it.
   * @returns What is out; of an empty collector, the roots alone.
   * @throws {CommandFailed} `unreachable`, `odd_answer`, `refused`.
   */
  async published(trusted: TrustedSet): Promise<Published> {
    const files = new Map<string, Uint8Array>()
    const get = async (ask: Ask): Promise<Answer> => {
      const answer = await this.#get(ask)
      if (typeof answer !== 'string') files.set(fileName(ask), answer)
      return answer
    }
    // No timestamp: nothing was published yet.
    if (
      (await this.#get({ kind: 'metadata', name: 'timestamp.json', maxBytes: terms.limits.timestamp })) ===
      'not_found'
    )
      return { set: trusted, files }
    const { set, refusal } = await walkAsking(refresh(trusted, terms), get)
    if (refusal !== null) throw this.#notBelieved(refusal)
    const every = await walkAsking(refreshEveryRole(set, terms), get)
    for (const { signed } of every.set.targets.values())
      for (const [path, target] of signed.targets) {
        const content = await walkAsking(fetchTarget(every.set, path, target, terms), get)
        if (content instanceof Refused) throw this.#notBelieved(content)
      }
    return { set: every.set, files }
  }

  /** @throws {CommandFailed} `clock_wrong` when ours and the collector's are a day apart. */
  requireClock(nowMs: number): void {
    const theirs = this.#itsClockMs
    if (theirs === null || Math.abs(theirs - nowMs) <= clockOffMs) return
    const [here, there] = [nowMs, theirs].map((ms) => new Date(ms).toISOString().slice(0, 16))
    throw new CommandFailed('clock_wrong', (words) => words.clockWrong(here ?? '', there ?? ''))
  }

  /**
   * @returns The versions that are out now, by role.
   * @throws {CommandFailed} `unreachable`, `no_lists`, `busy`, `refused`, `odd_answer`.
   */
  async send(files: ReadonlyMap<string, Uint8Array>): Promise<Readonly<Record<string, number>>> {
    const response = await this.#ask('/v1/lists', {
      method: 'POST',
      headers: { 'content-type': listsMediaType },
      body: new Uint8Array(writeOneFile(files)),
    })
    const body = (await response.json().catch(() => ({}))) as Record<string, unknown>
    const [code, detail] = [String(body.code ?? ''), String(body.detail ?? '')]
    if (response.ok && typeof body.versions === 'object' && body.versions !== null)
      return body.versions as Record<string, number>
    if (response.status === 404 && code === 'no_lists')
      throw new CommandFailed('no_lists', (words) => words.noLists(this.url))
    if (response.status === 503) throw new CommandFailed('busy', (words) => words.busy(this.url))
    if (response.status === 422) throw new CommandFailed('refused', (words) => words.refused(code, detail))
    throw this.#odd(response.status)
  }

  /**
   * @param token - The reader's; null without one.
   * @returns What each probe measured by when it was heard of last; null where that is told to readers alone, or an older collector
   *   does not know it.
   */
  async seen(token: string | null): Promise<readonly SeenProbe[] | null> {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await this.#ask('/api/v1/lists-seen', { headers })
    const body = (await response.json().catch(() => ({}))) as { readonly probes?: unknown }
    return response.ok && Array.isArray(body.probes) ? body.probes.filter(isSeenProbe) : null
  }

  async #get({ kind, name, maxBytes }: Ask): Promise<Answer> {
    const path =
      kind === 'metadata'
        ? `metadata/${name}`
        : `targets/${name.split('/').map(encodeURIComponent).join('/')}`
    const response = await this.#ask(`/v1/lists/${path}`, {})
    if (response.status === 404) return 'not_found'
    if (!response.ok) throw this.#odd(response.status)
    const bytes = new Uint8Array(await response.arrayBuffer())
    return bytes.length > maxBytes ? 'too_long' : bytes
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    try {
      const response = await fetch(`${this.url}${path}`, {
        ...init,
        // Elsewhere is another collector.
        redirect: 'error',
        signal: AbortSignal.timeout(answerWithinMs),
      })
      const date = Date.parse(response.headers.get('date') ?? '')
      if (Number.isFinite(date)) this.#itsClockMs = date
      return response
    } catch (cause) {
      throw new CommandFailed('unreachable', (words) => words.unreachable(this.url, whyOf(cause)), { cause })
    }
  }

  #notBelieved({ code, message }: Refused): CommandFailed {
    return new CommandFailed('refused', (words) => words.notBelieved(this.url, code, message))
  }

  #odd(status: number): CommandFailed {
    return new CommandFailed('odd_answer', (words) => words.oddAnswer(this.url, status))
  }
}

/** Of another program: what is not of this form is passed over. */
function isSeenProbe(each: unknown): each is SeenProbe {
  const { device, received_at, lists } = (each ?? {}) as Record<string, unknown>
  const isHeard = received_at === null || typeof received_at === 'string'
  return typeof device === 'string' && isHeard && typeof lists === 'object' && lists !== null
}

/** The reason stands in what `fetch` says last. */
function whyOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error && cause.cause.message !== '' ? cause.cause.message : cause.message
}
