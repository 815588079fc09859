// The state of a spool: whether it still takes records, and what the disk said last. Pure: the state, what
// may happen, and what follows. spool.ts does the writing, and reports the result here.
//
//            opened written
//   unread ─────────▶ refusing_records ◀──────▶ taking ◀──▶ refusing_batches
//                          ▲ write_refused │
//                          └───────────────────────────┘ from refusing_batches too
//
//   open ─ close_asked ─▶ closing ─ let_go ─▶ closed

/** What the disk said last. Until the folder could be read once, there is no store and records get no numbers. */
export type DiskState<Store> =
  | { readonly kind: 'unread' }
  | {
      /**
       * - `taking`: the disk did the last thing that it was asked to do.
       * - `refusing_batches`: the disk refused a batch, or the note of one; it took records.
       * - `refusing_records`: records wait in memory, which is bounded, and the next write tries all of them.
       *   What the disk says of batches meanwhile changes nothing: `written` ends this state, since it needs
       *   the control log as well.
       */
      readonly kind: 'taking' | 'refusing_batches' | 'refusing_records'
      readonly store: Store
      /** Epoch that the numbers of the waiting records belong to. */
      readonly numberedIn: string
    }

export interface SpoolState<Store> {
  /**
   * `closing` accepts nothing more and writes what waits; `closed` writes nothing more, since another process may
   * have the folder.
   */
  readonly life: 'open' | 'closing' | 'closed'
  readonly disk: DiskState<Store>
}

export type SpoolChange<Store> =
  /** The folder was read, and the records that wait in memory have numbers of its epoch. */
  | { readonly kind: 'opened'; readonly store: Store; readonly epoch: string }
  /** The records that wait in memory have numbers of another epoch now. */
  | { readonly kind: 'renumbered'; readonly epoch: string }
  /** All records that waited and were to be written are durable. */
  | { readonly kind: 'written' }
  | { readonly kind: 'write_refused' }
  /** A batch was sealed, noted or put aside. */
  | { readonly kind: 'batch_settled' }
  | { readonly kind: 'batch_refused' }
  | { readonly kind: 'close_asked' }
  | { readonly kind: 'let_go' }

export const unopened = { life: 'open', disk: { kind: 'unread' } } as const

export function afterChange<Store>(
  { life, disk }: SpoolState<Store>,
  change: SpoolChange<Store>,
): SpoolState<Store> {
  switch (change.kind) {
    case 'close_asked':
      return { life: life === 'open' ? 'closing' : life, disk }
    case 'let_go':
      return { life: 'closed', disk }
    default:
      return { life, disk: diskAfter(disk, change) }
  }
}

function diskAfter<Store>(
  disk: DiskState<Store>,
  change: Exclude<SpoolChange<Store>, { kind: 'close_asked' | 'let_go' }>,
): DiskState<Store> {
  // The records that were put before the folder could be read have been refused so far.
  if (change.kind === 'opened')
    return { kind: 'refusing_records', store: change.store, numberedIn: change.epoch }
  if (disk.kind === 'unread') return disk
  switch (change.kind) {
    case 'renumbered':
      return { ...disk, numberedIn: change.epoch }
    case 'written':
      return { ...disk, kind: 'taking' }
    case 'write_refused':
      return { ...disk, kind: 'refusing_records' }
    case 'batch_settled':
      return disk.kind === 'refusing_batches' ? { ...disk, kind: 'taking' } : disk
    case 'batch_refused':
      return disk.kind === 'taking' ? { ...disk, kind: 'refusing_batches' } : disk
    default:
      return change satisfies never
  }
}

/** Whether records wait in memory because the disk refused them; a folder that cannot be read counts as a refusal. */
export function refusesRecords({ disk }: SpoolState<unknown>): boolean {
  return disk.kind === 'unread' || disk.kind === 'refusing_records'
}

/** What `SpoolStats.health` says. */
export function healthOf({ disk }: SpoolState<unknown>): 'ok' | 'memory_only' {
  return disk.kind === 'taking' ? 'ok' : 'memory_only'
}

/** @returns The store; null until the folder could be read once. */
export function storeOf<Store>({ disk }: SpoolState<Store>): Store | null {
  return disk.kind === 'unread' ? null : disk.store
}

/** @returns The epoch that the waiting records have numbers of; null until the folder could be read once. */
export function numberedIn({ disk }: SpoolState<unknown>): string | null {
  return disk.kind === 'unread' ? null : disk.numberedIn
}
