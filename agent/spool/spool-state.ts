// Where a spool stands: whether it still takes records, and what the disk said last. Pure: the state, what may happen, and
// what follows. spool.ts does the writing, and says here how it went.
//
//            opened                written
//   unread ─────────▶ refusing_records ◀──────▶ taking ◀──▶ refusing_batches
//                          ▲     write_refused         │
//                          └───────────────────────────┘  from refusing_batches too
//
//   open ─ close_asked ─▶ closing ─ let_go ─▶ closed

/** What the disk said last. Until the folder could be read once there is no store, and no number for a record. */
export type DiskState<Store> =
  | { readonly kind: 'unread' }
  | {
      /**
       * - `taking`: the last that it was asked for is done.
       * - `refusing_batches`: it refused a batch, or the note of one; records it took.
       * - `refusing_records`: records wait in memory, bounded, and all of them are tried with the next write. What it says
       *   of batches meanwhile changes nothing: `written` ends this, since it needs the control log as well.
       */
      readonly kind: 'taking' | 'refusing_batches' | 'refusing_records'
      readonly store: Store
      /** The epoch that the waiting records have numbers of. */
      readonly numberedIn: string
    }

export interface SpoolState<Store> {
  /** `closing` accepts nothing more and writes what waits; `closed` writes nothing more: the folder may be another's. */
  readonly life: 'open' | 'closing' | 'closed'
  readonly disk: DiskState<Store>
}

export type SpoolChange<Store> =
  /** The folder was read, and what waits in memory has numbers of its epoch. */
  | { readonly kind: 'opened'; readonly store: Store; readonly epoch: string }
  /** What waits in memory has numbers of another epoch now. */
  | { readonly kind: 'renumbered'; readonly epoch: string }
  /** All that waited and was to be written is durable. */
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
  // What was put before the folder could be read was refused so far.
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

/** Whether records wait in memory that the disk refused, the folder that cannot be read included. */
export function refusesRecords({ disk }: SpoolState<unknown>): boolean {
  return disk.kind === 'unread' || disk.kind === 'refusing_records'
}

/** What `SpoolStats.health` says. */
export function healthOf({ disk }: SpoolState<unknown>): 'ok' | 'memory_only' {
  return disk.kind === 'taking' ? 'ok' : 'memory_only'
}

/** null until the folder could be read once. */
export function storeOf<Store>({ disk }: SpoolState<Store>): Store | null {
  return disk.kind === 'unread' ? null : disk.store
}

/** null until the folder could be read once. */
export function numberedIn({ disk }: SpoolState<unknown>): string | null {
  return disk.kind === 'unread' ? null : disk.numberedIn
}
