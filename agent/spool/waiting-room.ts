// Records that were put and are not on the medium yet: for moments in good times, and for as long as a disk refuses
// in bad ones. Their number is then bounded, and they are given up in the same order as on disk.

import type { RecordStreamLetter, StoredRecord } from './log/stream.ts'

/** A record whose `put` cannot say that it is durable. */
export class NotDurable extends Error {
  override readonly name = 'NotDurable'
  /**
   * - `in_memory`: the disk refused. Nothing is lost: the record waits, and is written when the disk takes
   *   it.
   * - `disk_full`: the disk refused until memory was full, and this record was given up. The next batch names
   *   it as lost.
   * - `closed`: the spool was closed before the disk took the record.
   */
  readonly code: 'in_memory' | 'disk_full' | 'closed'

  constructor(code: NotDurable['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface Guest {
  /** null until a number can be given, for which the spool must have been read once. */
  n: number | null
  readonly body: Uint8Array
  readonly wallMs: number
  /** Whether the caller of `put` has been told that the disk refused. */
  told: boolean
  readonly resolve: (n: number) => void
  readonly reject: (why: NotDurable) => void
}

/** A record that waits, as it is stored. */
export interface WaitingRecord {
  readonly letter: RecordStreamLetter
  readonly body: Uint8Array
  readonly wallMs: number
  /** What `leave()` knows it by. */
  readonly guest: Guest
}

/** A record has no number while the spool could not be read. */
function named({ n }: Guest): string {
  return n === null ? 'A record' : `Record ${n}`
}

/** The order in which records are given up when memory is full, the same as in eviction.ts. */
const worthAscending = ['d', 'r', 'a'] as const

export class WaitingRoom {
  readonly #guests: Record<RecordStreamLetter, Guest[]> = { a: [], r: [], d: [] }
  /** How many records of each stream, from the first on, are being written at this moment. */
  readonly #writing: Record<RecordStreamLetter, number> = { a: 0, r: 0, d: 0 }

  /**
   * @param n - Number of the record, or null when none can be given yet.
   * @returns Resolves with the number once the record is durable.
   * @throws {NotDurable} When the first attempt to write it fails, though it may be written later; or when it is
   * given up.
   */
  add(letter: RecordStreamLetter, record: Pick<Guest, 'n' | 'body' | 'wallMs'>): Promise<number> {
    const stored = new Promise<number>((resolve, reject) => {
      this.#guests[letter].push({ ...record, told: false, resolve, reject })
    })
    // When the caller does not wait for `stored`, its rejection must not end the process: the ledger will name the
    // loss.
    stored.catch(() => {})
    return stored
  }

  count(letter?: RecordStreamLetter): number {
    return letter === undefined
      ? this.count('a') + this.count('r') + this.count('d')
      : this.#guests[letter].length
  }

  /** How many records of a stream are not being written at this moment. */
  idle(letter: RecordStreamLetter): number {
    return this.#guests[letter].length - this.#writing[letter]
  }

  bytes(letter: RecordStreamLetter): number {
    return this.#guests[letter].reduce((sum, { body }) => sum + body.length, 0)
  }

  /** Wall clock of the oldest record that waits; null when none waits. */
  get oldestWallMs(): number | null {
    const firsts = worthAscending.flatMap((letter) => this.#guests[letter][0]?.wallMs ?? [])
    return firsts.length === 0 ? null : Math.min(...firsts)
  }

  /**
   * Hands out all records of a stream, oldest first. They stay here until `stored` or `refused` says what became of
   * them.
   */
  handOut(letter: RecordStreamLetter): StoredRecord[] {
    const records = this.#guests[letter].map(({ n, body, wallMs }) => {
      if (n === null) throw new Error('Cannot write a record that has no number yet')
      return { n, body, wallMs }
    })
    this.#writing[letter] = records.length
    return records
  }

  /** The first `count` records of a stream are durable; those behind them are to be handed out again. */
  stored(letter: RecordStreamLetter, count: number): void {
    this.#writing[letter] = 0
    for (const guest of this.#guests[letter].splice(0, count)) {
      if (guest.n !== null) guest.resolve(guest.n)
    }
  }

  /** The disk refused. All records go on waiting, and the callers of `put` are told. */
  refused(cause: unknown): void {
    const words = cause instanceof Error ? cause.message : String(cause)
    for (const letter of worthAscending) {
      this.#writing[letter] = 0
      for (const guest of this.#guests[letter]) {
        // Each caller is told only once. A disk that refuses is tried again with every anomaly, and two thousand
        // errors each time would take far too long.
        if (guest.told) continue
        guest.told = true
        guest.reject(new NotDurable('in_memory', `${named(guest)} waits in memory: ${words}`, { cause }))
      }
    }
  }

  /** All records that wait, the gravest first, and the oldest first of each kind. They stay here. */
  all(): WaitingRecord[] {
    return [...worthAscending]
      .reverse()
      .flatMap((letter) => this.#guests[letter].map((guest) => ({ letter, guest, ...guest })))
  }

  /**
   * These records go another way than over the disk: they wait no more. To be called while nothing is being written.
   */
  leave(records: readonly WaitingRecord[]): void {
    const gone = new Set(records.map(({ guest }) => guest))
    for (const letter of worthAscending)
      this.#guests[letter] = this.#guests[letter].filter((each) => !gone.has(each))
    for (const guest of gone) guest.reject(new NotDurable('in_memory', `${named(guest)} is sent from memory`))
  }

  /**
   * Gives new numbers, in the order of each stream: the numbers given before belonged to another epoch, or there were
   * none.
   */
  renumber(takeNumber: () => number): void {
    for (const letter of [...worthAscending].reverse()) {
      for (const guest of this.#guests[letter]) guest.n = takeNumber()
    }
  }

  /**
   * Gives up the oldest records of the least worth, until `most` are left.
   * @returns Their numbers.
   */
  dropDownTo(most: number): (number | null)[] {
    const dropped: (number | null)[] = []
    while (this.count() > most) {
      const guest = this.#leastWorth()
      if (guest === undefined) break
      guest.reject(new NotDurable('disk_full', `${named(guest)} found no room on disk or in memory`))
      dropped.push(guest.n)
    }
    return dropped
  }

  #leastWorth(): Guest | undefined {
    for (const letter of worthAscending) {
      const [guest] = this.#guests[letter].splice(this.#writing[letter], 1)
      if (guest !== undefined) return guest
    }
    return undefined
  }

  /** Rejects every record that still waits. */
  close(): void {
    for (const letter of worthAscending) {
      for (const guest of this.#guests[letter].splice(0)) {
        guest.reject(new NotDurable('closed', `${named(guest)} was not written before the spool was closed`))
      }
    }
  }
}
