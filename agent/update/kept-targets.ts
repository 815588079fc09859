// For each target the list that is in force and the one before it, and how often the agent died over the newest. Pure.

import type { KeptList, KeptTarget } from './update-state.ts'

/** So many in a row, and it is the list and not chance. */
const crashesToQuarantine = 3

export class KeptTargets {
  #byPath: ReadonlyMap<string, KeptTarget>

  constructor(targets: readonly KeptTarget[]) {
    this.#byPath = new Map(targets.map((each) => [each.path, each]))
  }

  get all(): readonly KeptTarget[] {
    return [...this.#byPath.values()]
  }

  get(path: string): KeptTarget | undefined {
    return this.#byPath.get(path)
  }

  /** The lists to try for a target, the best first. One that is set aside is none. */
  candidates(path: string): readonly KeptList[] {
    const target = this.get(path)
    if (target === undefined) return []
    const { now, before, quarantined } = target
    return [...(quarantined ? [] : [now]), ...(before === null ? [] : [before])]
  }

  /** A list was found and has come. @returns Whether its content is another than before. */
  take(path: string, now: KeptList): boolean {
    const known = this.get(path)
    if (known?.now.sha256 === now.sha256) {
      this.#keep({ ...known, now })
      return false
    }
    // One that was set aside is not what to go back to.
    const before = known?.quarantined === false ? known.now : (known?.before ?? null)
    this.#keep({ path, now, before, crashes: 0, quarantined: false })
    return true
  }

  /** A target is authentically no more. @returns Whether there was anything to forget. */
  forget(path: string): boolean {
    const left = new Map(this.#byPath)
    const had = left.delete(path)
    this.#byPath = left
    return had
  }

  /** Digests of the newest lists, those that are set aside left out: what is used, and may be to blame. */
  get used(): readonly string[] {
    return this.all.flatMap(({ now, quarantined }) => (quarantined ? [] : [now.sha256]))
  }

  /** The agent came to the end of a cycle with all that is used. */
  survived(): void {
    for (const target of this.all) if (!target.quarantined) this.#keep({ ...target, crashes: 0 })
  }

  /** The agent died while it used these. */
  crashed(sha256s: readonly string[]): void {
    for (const target of this.all) {
      if (target.quarantined || !sha256s.includes(target.now.sha256)) continue
      const crashes = target.crashes + 1
      this.#keep({ ...target, crashes, quarantined: crashes >= crashesToQuarantine })
    }
  }

  #keep(target: KeptTarget): void {
    this.#byPath = new Map(this.#byPath).set(target.path, target)
  }
}
