// Keeps the device's lists up to date from any source, and says which of them is in force. What may be believed is
// decided in tests-spec/lists/tuf; tests-spec/lists/metadata.md is the page. Here it is remembered, through power cuts,
// torn files, clocks that are wrong and lists that kill the agent.

import {
  fetchTarget,
  findTarget,
  isContentOf,
  refresh,
  refreshEveryRole,
  type Search,
} from '../../tests-spec/lists/tuf/client-workflow.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import {
  expiryOf,
  type Limits,
  openTrusted,
  type Terms,
  type TrustedSet,
} from '../../tests-spec/lists/tuf/trusted-set.ts'
import { type AtomicDisk, removeLeftovers } from '../platform/atomic-file.ts'
import { Contents, sha256Of } from './contents.ts'
import { KeptTargets } from './kept-targets.ts'
import { type UpdateSource, walk } from './source.ts'
import { type KeptState, UpdateState } from './update-state.ts'
import { type Boot, UseMark } from './use-mark.ts'

export interface ListUpdateOptions {
  /** A folder for this root of trust alone; it must exist. */
  readonly dir: string
  /** From enrolment or the build. When it is newer than the one that was walked to, it takes its place. */
  readonly root: Uint8Array
  /** Versions, by role, below which the build or the enrolment says that nothing is to be believed. */
  readonly floor: ReadonlyMap<string, number>
  readonly limits: Limits
  /**
   * Whether the metadata of every role are fetched, so that a mirror does not learn which of them this device measures.
   */
  readonly everyRole: boolean
  readonly boot: Boot
  readonly disk?: AtomicDisk
}

/** The clock of one cycle. */
export interface UpdateClock {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Whether that is certain. A time that is not moves nothing, and only marks lists as stale. */
  readonly isTrusted: boolean
  /**
   * The latest that it can be by a signed word, as a receipt's; null while there is none. It alone takes a time back that
   * was believed and was wrong: who runs a network can lie in NTP, and no list would be believed any more.
   */
  readonly latestMs: number | null
}

export interface ListInForce {
  readonly bytes: Uint8Array
  readonly sha256: string
  /** The role that signed for it, and which version of that role did. */
  readonly role: string
  readonly version: number
  /** A newer one is set aside, because the agent died over it, or cannot be read or used. */
  readonly isFallback: boolean
}

export type TargetOutcome =
  | { readonly kind: 'in_force'; readonly isNew: boolean }
  | { readonly kind: 'withdrawn' | 'not_listed' }
  | { readonly kind: 'refused'; readonly refusal: Refused }

export interface UpdateOutcome {
  /** null when the cycle went through. Whatever it says, what was in force goes on. */
  readonly refusal: Refused | null
  /** By path, of those that were asked for; empty after a refusal. */
  readonly targets: ReadonlyMap<string, TargetOutcome>
  /** Roles that were fetched for the sake of privacy, and not believed. */
  readonly roles: ReadonlyMap<string, Refused>
  /** The disk's error: what is in force is then known to this process alone. null when the state is durable. */
  readonly diskError: unknown
}

/** A time that is certain is worth a flush when it has moved so far. A day would leave a freeze unseen for as long. */
const rememberEveryMs = 3_600_000

export class ListUpdate {
  readonly #options: ListUpdateOptions
  readonly #state: UpdateState
  readonly #contents: Contents
  readonly #mark: UseMark
  /** Refused when there is no root to begin with. */
  #set: TrustedSet | Refused
  #trustedMs: number
  readonly #targets: KeptTargets
  /** What the state has on the disk, to write nothing twice. */
  #written = ''

  private constructor(
    options: ListUpdateOptions,
    state: UpdateState,
    kept: KeptState | null,
    set: TrustedSet | Refused,
  ) {
    const { dir, disk } = options
    this.#options = options
    this.#state = state
    this.#contents = new Contents(dir, disk)
    this.#mark = new UseMark(dir, disk)
    this.#set = set
    this.#trustedMs = kept?.trusted_ms ?? 0
    this.#targets = new KeptTargets(kept?.targets ?? [])
    if (kept !== null) this.#written = textIn(kept)
  }

  /** Asks for nothing. Never fails: without state, or a root, what the build carries is measured. */
  static async open(options: ListUpdateOptions): Promise<ListUpdate> {
    const { dir, disk, root } = options
    await removeLeftovers(dir, disk).catch(() => {})
    const state = await UpdateState.open(dir, disk)
    for (const { state: kept } of state.slots) {
      const set = opened(kept, root)
      if (set instanceof Refused) continue
      const update = new ListUpdate(options, state, kept, set)
      update.#targets.crashed(await update.#mark.takeCrashed(options.boot))
      await update.#save(false)
      return update
    }
    return new ListUpdate(
      options,
      state,
      null,
      orRefused(() => openTrusted(root)),
    )
  }

  /** Versions that are trusted, by role; 0 for a top role that is not there. */
  get versions(): ReadonlyMap<string, number> {
    if (this.#set instanceof Refused) return new Map()
    const { root, timestamp, snapshot, targets } = this.#set
    return new Map([
      ['root', root.signed.version],
      ['timestamp', timestamp?.signed.version ?? 0],
      ['snapshot', snapshot?.signed.version ?? 0],
      ...[...targets].map(([name, { signed }]) => [name, signed.version] as const),
    ])
  }

  /** The set that is trusted, for whoever wants its files; null without a root. */
  get trusted(): TrustedSet | null {
    return this.#set instanceof Refused ? null : this.#set
  }

  /**
   * @param isUsable - Whether this agent can use a content; the list before takes the place of one that it cannot.
   * @returns null when the build's is: none came yet, it was withdrawn, or none that came can be read or used.
   */
  async inForce(
    path: string,
    isUsable: (bytes: Uint8Array) => boolean = () => true,
  ): Promise<ListInForce | null> {
    const newest = this.#targets.get(path)?.now
    for (const list of this.#targets.candidates(path)) {
      const bytes = await this.#contents.read(list.sha256)
      if (bytes === null || !isUsable(bytes)) continue
      const { sha256, version, chain } = list
      return { bytes, sha256, version, role: chain.at(-1) ?? 'targets', isFallback: list !== newest }
    }
    return null
  }

  /** Whether what vouches for a list has expired, by what is certain of the time or by a clock that is not. */
  isStale(path: string, { nowMs }: UpdateClock): boolean {
    const target = this.#targets.get(path)
    if (target === undefined || this.#set instanceof Refused) return false
    return expiryOf(this.#set, target.now.chain) <= Math.max(this.#trustedMs, nowMs)
  }

  /**
   * One cycle: 5.1 to 5.7 of the specification, for these targets. A refusal takes nothing away; an authenticated "no
   * such target" does. One at a time.
   */
  async refresh(source: UpdateSource, paths: readonly string[], clock: UpdateClock): Promise<UpdateOutcome> {
    if (this.#set instanceof Refused)
      return { refusal: this.#set, targets: new Map(), roles: new Map(), diskError: null }
    const before = this.#trustedMs
    const certainMs = clock.isTrusted ? Math.max(before, Math.round(clock.nowMs)) : before
    this.#trustedMs = Math.max(0, Math.min(certainMs, clock.latestMs ?? certainMs))
    const { floor, limits, everyRole } = this.#options
    const terms: Terms = { effectiveMs: this.#trustedMs, floor, limits }
    const { set, refusal } = await walk(refresh(this.#set, terms), source)
    this.#set = set
    const targets = new Map<string, TargetOutcome>()
    let roles: ReadonlyMap<string, Refused> = new Map()
    if (refusal === null) {
      if (everyRole) {
        const every = await walk(refreshEveryRole(set, terms), source)
        this.#set = every.set
        roles = every.refusals
      }
      for (const path of paths) targets.set(path, await this.#refreshTarget(source, path, terms, roles))
    }
    const diskError = await this.#save(Math.abs(this.#trustedMs - before) >= rememberEveryMs)
    return { refusal, targets, roles, diskError: this.#contents.takeError() ?? diskError }
  }

  /**
   * To be called before lists are used, and `endUse` after, also when the agent is told to stop between. An agent that
   * dies between is noticed at its next start.
   */
  async beginUse(boot: Boot): Promise<void> {
    await this.#mark.begin(this.#targets.used, boot)
  }

  /** @returns The disk's error; null when there was none. */
  async endUse(): Promise<unknown> {
    await this.#mark.end()
    this.#targets.survived()
    return await this.#save(false)
  }

  async #refreshTarget(
    source: UpdateSource,
    path: string,
    terms: Terms,
    refusals: ReadonlyMap<string, Refused>,
  ): Promise<TargetOutcome> {
    // What was refused is not asked for again: a mirror that breaks every group's file would see whose is missed.
    const { set, search } = await walk(findTarget(this.#trustedSet(), path, terms, refusals), source)
    this.#set = set
    switch (search.kind) {
      case 'refused':
        return search
      case 'no_such_target':
        // Where not every role could be asked, there is no word that the list is withdrawn.
        return search.complete && this.#targets.forget(path) ? { kind: 'withdrawn' } : { kind: 'not_listed' }
      case 'found':
        return await this.#take(source, path, terms, search)
      default:
        return search satisfies never
    }
  }

  async #take(
    source: UpdateSource,
    path: string,
    terms: Terms,
    { target, chain }: Search & { kind: 'found' },
  ): Promise<TargetOutcome> {
    const set = this.#trustedSet()
    const declared = target.hashes.get('sha256')
    const held = declared === undefined ? null : await this.#contents.read(declared)
    const isHeld = held !== null && isContentOf(held, target)
    const bytes = isHeld ? held : await walk(fetchTarget(set, path, target, terms), source)
    if (bytes instanceof Refused) return { kind: 'refused', refusal: bytes }
    const sha256 = sha256Of(bytes)
    if (!isHeld) await this.#contents.put(bytes)
    const version = set.targets.get(chain.at(-1) ?? '')?.signed.version ?? 0
    return { kind: 'in_force', isNew: this.#targets.take(path, { sha256, chain: [...chain], version }) }
  }

  #trustedSet(): TrustedSet {
    if (this.#set instanceof Refused) throw new TypeError('Cannot go on without a root')
    return this.#set
  }

  /**
   * @param always - Also when nothing but the time has changed.
   * @returns The disk's error; null when the state is as it should be.
   */
  async #save(always: boolean): Promise<unknown> {
    if (this.#set instanceof Refused) return null
    const content = this.#content()
    const text = textIn(content)
    if (text === this.#written && !always) return null
    try {
      await this.#state.write({ ...content, trusted_ms: this.#trustedMs })
    } catch (error) {
      return error
    }
    this.#written = text
    await this.#contents.keepOnly(this.#wanted())
    return null
  }

  /** What either slot names: should one be torn, the other must have its lists. */
  #wanted(): ReadonlySet<string> {
    const lists = this.#state.slots.flatMap(({ state }) =>
      state.targets.flatMap(({ now, before }) => [now, before]),
    )
    return new Set(lists.flatMap((list) => (list === null ? [] : [list.sha256])))
  }

  #content(): Omit<KeptState, 'v' | 'generation' | 'trusted_ms'> {
    const { root, timestamp, snapshot, targets, former } = this.#trustedSet()
    const files: [string, string][] = [...targets].map(([name, { bytes }]) => [name, textOf(bytes)])
    if (timestamp !== null) files.push(['timestamp', textOf(timestamp.bytes)])
    if (snapshot !== null) files.push(['snapshot', textOf(snapshot.bytes)])
    return {
      root: textOf(root.bytes),
      files,
      former: [...former],
      targets: [...this.#targets.all],
    }
  }
}

/** @returns Refused when its root is not to be believed; then the other slot may be. */
function opened(kept: KeptState, given: Uint8Array): TrustedSet | Refused {
  const files = new Map(kept.files.map(([name, text]) => [name, Buffer.from(text)]))
  const former = new Map(kept.former)
  const set = orRefused(() => openTrusted(Buffer.from(kept.root), files, former))
  const fresh = orRefused(() => openTrusted(given, files, former))
  // A build may know of a newer root than this device has walked to. What does not stand by it is left out.
  const isNewer =
    !(fresh instanceof Refused) &&
    (set instanceof Refused || fresh.root.signed.version > set.root.signed.version)
  return isNewer ? fresh : set
}

function orRefused(open: () => TrustedSet): TrustedSet | Refused {
  try {
    return open()
  } catch (error) {
    if (error instanceof Refused) return error
    throw error
  }
}

/** All that is worth a write at once. */
function textIn({
  root,
  files,
  former,
  targets,
}: Omit<KeptState, 'v' | 'generation' | 'trusted_ms'>): string {
  return JSON.stringify({ root, files, former, targets })
}

/** Metadata that were read are UTF-8 without a byte order mark: the text gives the same bytes again. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
