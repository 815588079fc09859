// The lists that devices fetch from this collector: taken in by whoever sends them, verified as a device does, signed with the online
// keys, and published whole. All of it is one file, `lists/repository.slr` (tests-spec/lists/one-file.md), which is replaced at once: a
// power cut leaves the old lists or the new ones, never none.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readOneFile, writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import { writeDurably } from '../archive/durable-file.ts'
import type { Log } from '../log.ts'
import { listsFolder, type OnlineKeys, openOnlineKeys } from './online-keys.ts'
import { openRepository, type Repository, renewed, sha256Of, versionsOf, withGiven } from './repository.ts'

export interface PublishedListsParts {
  /** The state folder. */
  readonly state: string
  /** The root of trust. */
  readonly root: Uint8Array
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
}

/** So long before the word of its holders ends, the operator is told, each day. */
const warnBeforeMs = 21 * 86_400_000
const dayMs = 86_400_000

export const repositoryPath = (state: string) => join(listsFolder(state), 'repository.slr')

export class PublishedLists {
  readonly #parts: PublishedListsParts
  readonly #keys: OnlineKeys
  #repository: Repository
  /** One at a time: what comes second is compared with what came first. */
  #last: Promise<unknown> = Promise.resolve()
  #warnedMs = Number.NEGATIVE_INFINITY

  private constructor(parts: PublishedListsParts, keys: OnlineKeys, repository: Repository) {
    this.#parts = parts
    this.#keys = keys
    this.#repository = repository
  }

  /**
   * @returns null when what was published cannot be read or does not stand by this root; that is logged, and nothing is served in
   * its place: with versions that begin anew no device would believe it.
   * @throws {Refused} When the root is none.
   */
  static async open(parts: PublishedListsParts): Promise<PublishedLists | null> {
    const { state, root, log } = parts
    const keys = await openOnlineKeys(state)
    const empty = openRepository(root, new Map())
    const bytes = await readIfThere(repositoryPath(state))
    if (bytes === null) return new PublishedLists(parts, keys, empty)
    try {
      const lists = new PublishedLists(parts, keys, openRepository(root, readOneFile(bytes)))
      await lists.renew()
      return lists
    } catch (err) {
      if (!(err instanceof Refused)) throw err
      log.error('lists_unusable', { refusal: err.code, detail: err.message })
      return null
    }
  }

  /** @param name - `metadata/…` or `targets/…`, as a repository names it. @returns null when there is none. */
  get(name: string): { readonly bytes: Uint8Array; readonly sha256: string } | null {
    const bytes = this.#repository.files.get(name)
    return bytes === undefined ? null : { bytes, sha256: sha256Of(bytes) }
  }

  /** By role. */
  get versions(): Readonly<Record<string, number>> {
    return Object.fromEntries(versionsOf(this.#repository))
  }

  /**
   * Takes in a repository in one file. Once this resolves, it is published and survives a power cut.
   *
   * @returns The versions that are published now, by role.
   * @throws {Refused} With nothing changed; or the disk's error, with nothing changed.
   */
  async take(bytes: Uint8Array): Promise<Readonly<Record<string, number>>> {
    return await this.#inTurn(async () => {
      // Copies: what is published must not keep the whole request in memory, nor change with it.
      const given = new Map([...readOneFile(bytes)].map(([name, part]) => [name, new Uint8Array(part)]))
      const next = withGiven(this.#repository, given, this.#keys, this.#parts.now())
      if (next !== this.#repository) {
        await this.#publish(next)
        this.#parts.log.info('lists_published', { versions: this.versions })
      }
      return this.versions
    })
  }

  /** Signs anew what would expire soon, and says what nobody but its holders can. Never fails: it is tried again. */
  async renew(): Promise<void> {
    await this.#inTurn(async () => {
      const { now, log } = this.#parts
      try {
        const next = renewed(this.#repository, this.#keys, now())
        if (next !== null) {
          await this.#publish(next)
          log.info('lists_renewed', { versions: this.versions })
        }
      } catch (err) {
        log.error('lists_not_renewed', { err })
      }
      this.#warn()
    })
  }

  #warn(): void {
    const { now, log } = this.#parts
    if (now() - this.#warnedMs < dayMs) return
    const { root, targets } = this.#repository.set
    for (const [role, { signed }] of [['root', root] as const, ...targets]) {
      if (signed.expiresMs - now() >= warnBeforeMs) continue
      this.#warnedMs = now()
      log.warn('lists_expire', {
        role,
        version: signed.version,
        at: new Date(signed.expiresMs).toISOString(),
      })
    }
  }

  async #publish(next: Repository): Promise<void> {
    await writeDurably(repositoryPath(this.#parts.state), oneFileOf(next))
    this.#repository = next
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }
}

function oneFileOf({ files }: Repository): Buffer {
  try {
    return writeOneFile(files)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new Refused('endless_data', '5.7.3', 'With this there would be more than one repository may hold')
  }
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
