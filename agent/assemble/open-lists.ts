// Signed lists on this device: the root that they are trusted by, how they are asked for over an upload's ways, and which are in
// force. tests-spec/lists/metadata.md is the page; agent/update decides what is trusted.

import { join } from 'node:path'
import { ordersPath, readOrders } from '../../tests-spec/lists/orders.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import type { Config } from '../config.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import type { Given } from '../orders/order-book.ts'
import { type AtomicDisk, readFileIfPresent, writeFileDurably } from '../platform/atomic-file.ts'
import { namedBoot } from '../platform/clock.ts'
import { errorWord } from '../platform/error-word.ts'
import type { Log } from '../platform/log.ts'
import { makeFolderIfPossible, type StateFolder } from '../platform/state-folder.ts'
import type { WatchedClock } from '../platform/watched-clock.ts'
import { type Etags, overMirrors } from '../submit/list-mirror.ts'
import type { Uplink } from '../submit/ways/uplink.ts'
import type { Way } from '../submit/ways/way.ts'
import {
  type Allowed,
  corePath,
  groupPath,
  type ListsInForce,
  listsInForce,
  ownListAlone,
} from '../testlist/lists-in-force.ts'
import { takeBrought } from '../update/brought-lists.ts'
import { sha256Of } from '../update/contents.ts'
import { fetchFirstRoot } from '../update/first-root.ts'
import { ListUpdate, type UpdateClock } from '../update/list-update.ts'
import { mirrorSource, type UpdateSource } from '../update/source.ts'
import { readListsRoot, readTestList } from './named-files.ts'

interface Surroundings {
  readonly folder: StateFolder
  readonly config: Config
  readonly collector: Collector | null
  /** Of orders that concern this device. */
  readonly scopes?: readonly string[]
  readonly clock: WatchedClock
  readonly log: Log
  /** Asked whenever it is looked up what is in force. */
  allowed(): Allowed
  /** The one that the folder is on. */
  readonly disk?: AtomicDisk
}

export class Lists {
  readonly #around: Surroundings
  readonly #paths: readonly string[]
  readonly #etags: Etags = new Map()
  /** SHA-256 of the root of trust; null where there is none. */
  readonly #rootDigest: string | null
  #update: ListUpdate | null = null
  #inForce: ListsInForce
  #isStale = false
  /** Of the last refresh; null when it went through. */
  #refusal: string | null = null
  #triedMs: number
  #isSettled = false
  #said = ''

  private constructor(around: Surroundings, rootDigest: string | null) {
    this.#around = around
    this.#rootDigest = rootDigest
    this.#paths = [
      corePath,
      ...new Set(around.config.groups.map(groupPath)),
      ...(around.scopes ?? []).map(ordersPath),
    ]
    this.#inForce = ownListAlone(readTestList(around.config))
    this.#triedMs = around.clock.monotonicMs()
  }

  static async open(around: Surroundings): Promise<Lists> {
    const configured = readListsRoot(around.config)
    const digest = configured === null ? (around.collector?.listsRoot ?? null) : sha256Of(configured)
    const lists = new Lists(around, digest)
    if (digest === null) return lists
    const kept = await readFileIfPresent(lists.#rootFile(digest)).catch(() => null)
    const root = configured ?? kept
    if (root !== null && sha256Of(root) === digest) await lists.#openUpdate(root, digest)
    await lists.#takeBrought(digest)
    return lists
  }

  get inForce(): ListsInForce {
    return this.#inForce
  }

  /** What each measurement says of the lists that were in force; nothing where none was pushed. */
  get annotations(): Readonly<Record<string, string>> {
    const { pushed, versions } = this.#inForce
    if (pushed.length === 0) return {}
    const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
    return { x_sonde_lists: named.join(', '), ...(this.#isStale && { x_sonde_lists_stale: 'true' }) }
  }

  /** null where no lists are trusted. */
  get status() {
    if (this.#rootDigest === null) return null
    const { versions, leftOut, isFallback } = this.#inForce
    return {
      versions,
      trusted: Object.fromEntries(this.#update?.versions ?? []),
      stale: this.#isStale,
      left_out: leftOut,
      set_aside: isFallback,
      refusal: this.#refusal,
    }
  }

  /** After the host has agreed to something else. */
  async lookAgain(): Promise<void> {
    await this.#look()
  }

  /** Orders that are in force, and the time by which they are judged; null while that is not certain. */
  async orders(): Promise<{ readonly given: Given[]; readonly nowMs: number | null }> {
    const given: Given[] = []
    for (const scope of this.#around.scopes ?? []) {
      const found = await this.#update?.inForce(ordersPath(scope), (bytes) => readOrders(bytes) !== null)
      const orders = found == null ? null : readOrders(found.bytes)
      if (found != null && orders !== null) given.push({ scope, role: found.role, orders })
    }
    const { nowMs, isTrusted } = this.#clock()
    return { given, nowMs: isTrusted ? nowMs : null }
  }

  async beginUse(): Promise<void> {
    await this.#update?.beginUse(this.#boot())
  }

  async endUse(): Promise<void> {
    this.#sayDiskError((await this.#update?.endUse()) ?? null)
  }

  /**
   * @param open - The way that an upload left open, which is closed here.
   * @returns Bytes that the link carried.
   */
  async refresh(
    uplink: Uplink | null,
    open: Way | null,
    signal: AbortSignal,
  ): Promise<{ readonly sent: number; readonly received: number }> {
    const digest = this.#rootDigest
    if (digest !== null) await this.#takeBrought(digest)
    if (uplink === null || digest === null || !this.#isDue(open !== null)) {
      open?.close()
      return { sent: 0, received: 0 }
    }
    this.#triedMs = this.#around.clock.monotonicMs()
    this.#isSettled = false
    let refusal: Refused | null = null
    const spent = await overMirrors(uplink, open, signal, this.#etags, async (mirror) => {
      const source = mirrorSource((path, maxBytes) => mirror.get(path, maxBytes))
      refusal = await this.#refreshFrom(source, digest)
      return refusal === null
    })
    this.#sayRefusal(refusal)
    await this.#look()
    return spent
  }

  /** A refresh in which nothing was new, and one for which a way must be opened, is not repeated at once. */
  #isDue(isOpen: boolean): boolean {
    const { clock, config } = this.#around
    const isLong = clock.monotonicMs() - this.#triedMs >= config.lists_every_minutes * 60_000
    return isLong || (isOpen && !this.#isSettled)
  }

  /** What a person brought on a stick: a device that is cut off hears of no list otherwise. */
  async #takeBrought(digest: string): Promise<void> {
    await takeBrought(this.#around.folder.lists, async (source) => {
      this.#sayRefusal(await this.#refreshFrom(source, digest))
      await this.#look()
    })
  }

  async #refreshFrom(source: UpdateSource, digest: string): Promise<Refused | null> {
    if (this.#update === null) {
      const root = await fetchFirstRoot(source, digest, deviceLimits).catch((error: unknown) => {
        if (error instanceof Refused) return error
        throw error
      })
      if (root instanceof Refused) return root
      await this.#keepRoot(root, digest)
      await this.#openUpdate(root, digest)
    }
    const update = this.#update
    if (update === null) return null
    const { refusal, targets, roles, diskError } = await update.refresh(source, this.#paths, this.#clock())
    this.#sayDiskError(diskError)
    const outcomes = [...targets]
    for (const [path, { kind }] of outcomes)
      if (kind === 'withdrawn' && !path.startsWith('orders/'))
        this.#around.log.warn('S7002', { list: kindOf(path) })
    const refused = outcomes.flatMap(([, each]) => (each.kind === 'refused' ? [each.refusal] : []))
    const first = refusal ?? refused[0] ?? null
    const isNew = outcomes.some(
      ([, each]) => each.kind === 'withdrawn' || (each.kind === 'in_force' && each.isNew),
    )
    this.#isSettled = first === null && roles.size === 0 && !isNew
    return first
  }

  async #openUpdate(root: Uint8Array, digest: string): Promise<void> {
    const dir = join(this.#around.folder.lists, digest)
    makeFolderIfPossible(dir)
    this.#update = await ListUpdate.open({
      dir,
      root,
      floor: new Map(),
      limits: deviceLimits,
      ...(this.#around.disk && { disk: this.#around.disk }),
      everyRole: true,
      boot: this.#boot(),
    })
    await this.#look()
  }

  /** Takes up what is in force by now, and says what has changed. */
  async #look(): Promise<void> {
    const update = this.#update
    if (update === null) return
    const { config, log } = this.#around
    const own = readTestList(config)
    const before = this.#inForce
    const { groups } = config
    const allowed = this.#around.allowed()
    const now = await listsInForce(update, groups, own, config.test_list !== null, allowed)
    const clock = this.#clock()
    const isStale = now.pushed.some((path) => update.isStale(path, clock))
    for (const [name, version] of Object.entries(now.versions))
      if (before.versions[name] !== version && now.pushed.length > 0)
        log.info('S7001', { list: name.startsWith('groups/') ? 'group' : 'core', version })
    if (now.isFallback && !before.isFallback) log.warn('S7102')
    if (isStale && !this.#isStale) log.warn('S7103')
    if (JSON.stringify(now.leftOut) !== JSON.stringify(before.leftOut)) log.warn('S7104', { ...now.leftOut })
    this.#inForce = now
    this.#isStale = isStale
  }

  #sayRefusal(refusal: Refused | null): void {
    this.#refusal = refusal?.code ?? null
    const said = refusal === null ? '' : `${refusal.code} ${refusal.at}`
    if (said !== this.#said && refusal !== null)
      this.#around.log.warn('S7101', { reason: refusal.code, at: refusal.at })
    this.#said = said
  }

  #sayDiskError(error: unknown): void {
    if (error !== null) this.#around.log.error('S7901', { error: errorWord(error) })
  }

  async #keepRoot(root: Uint8Array, digest: string): Promise<void> {
    makeFolderIfPossible(join(this.#around.folder.lists, digest))
    await writeFileDurably(this.#rootFile(digest), root).catch((error) => this.#sayDiskError(error))
  }

  #rootFile(digest: string): string {
    return join(this.#around.folder.lists, digest, '1.root.json')
  }

  #boot() {
    return { id: namedBoot(), monoMs: this.#around.clock.monotonicMs() }
  }

  #clock(): UpdateClock {
    return updateClock(this.#around.clock)
  }
}

/** What a receipt told holds, also where the wall clock says something else. */
function updateClock(clock: Pick<WatchedClock, 'quality' | 'bounds' | 'now'>): UpdateClock {
  const quality = clock.quality()
  const { earliest, latest } = clock.bounds()
  return {
    nowMs: quality === 'receipt' ? earliest : clock.now(),
    isTrusted: quality === 'receipt' || quality === 'synced',
    latestMs: Number.isFinite(latest) ? Math.ceil(latest) : null,
  }
}

const kindOf = (path: string) => (path === corePath ? 'core' : 'group')
