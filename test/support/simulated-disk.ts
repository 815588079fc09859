// A disk in memory for tests, as treacherous as a real one: after a power cut, what was not synced may be there, or
// not, or in part. `kill -9` cannot show that, since the kernel outlives the process.

import { basename, dirname } from 'node:path'
import type { DiskFile } from '../../agent/platform/atomic-file.ts'
import type { Disk, ReadableFile } from '../../agent/spool/log/disk.ts'

/** Bytes that a cheap card writes at once; a longer write can be torn. */
const sectorBytes = 512
/** Bytes that a cheap card erases at once: a power cut during a write may ruin the whole block. */
const blockBytes = 4096
const ruinedBlocks = 0.05

class Inode {
  content: Buffer
  /** Content as it is on the medium. */
  durable: Buffer
  unsynced: { readonly position: number; readonly bytes: Buffer }[] = []

  constructor(content = Buffer.alloc(0)) {
    this.content = content
    this.durable = content
  }

  write(bytes: Buffer, position: number): void {
    this.content = overlaid(this.content, bytes, position)
    this.unsynced.push({ position, bytes })
  }

  sync(): void {
    this.durable = Buffer.from(this.content)
    this.unsynced = []
  }

  /**
   * @returns The file as it may be found after a power cut: every unsynced sector was written, was not, or ruined its
   * block.
   */
  afterCut(chance: () => number): Inode {
    let found = this.durable
    for (const { position, bytes } of this.unsynced) {
      const block = position - (position % blockBytes)
      if (chance() < ruinedBlocks) found = overlaid(found, Buffer.alloc(blockBytes, 0xaa), block)
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes))
        if (chance() < 0.5) found = overlaid(found, bytes.subarray(at, end), position + at)
        at = end
      }
    }
    return new Inode(Buffer.from(found))
  }
}

function overlaid(content: Buffer, bytes: Buffer, position: number): Buffer {
  const needed = position + bytes.length
  const roomy =
    needed > content.length ? Buffer.concat([content, Buffer.alloc(needed - content.length)]) : content
  bytes.copy(roomy, position)
  return roomy
}

/** A change of names: it is not durable before one of its folders is synced. */
interface Change {
  readonly folders: readonly string[]
  readonly apply: (names: Map<string, Inode>) => void
}

export type Operation =
  | 'create'
  | 'open'
  | 'write'
  | 'sync'
  | 'datasync'
  | 'close'
  | 'rename'
  | 'unlink'
  | 'read'
  | 'syncDirectory'

export class SimulatedDisk implements Disk {
  /** Files by full path; folders are not modelled: they are always there and durable. */
  #names: Map<string, Inode>
  #durableNames: Map<string, Inode>
  #changes: Change[] = []
  readonly #type: number
  /** Called before each operation; may throw in its place, or never resolve. */
  before: (operation: Operation, path: string) => Promise<void> = async () => {}
  /** Called after each operation; may throw as if it had not been done. */
  after: (operation: Operation, path: string) => Promise<void> = async () => {}
  /** Called before each read of a file or of a part of it; may throw in its place. */
  beforeRead: (path: string, position: number, length: number) => void = () => {}
  /** @returns How many of `length` bytes one write takes. */
  takes: (length: number) => number = (length) => length

  constructor(options: { readonly type?: number; readonly files?: Map<string, Inode> } = {}) {
    this.#type = options.type ?? ext4
    this.#names = new Map(options.files)
    this.#durableNames = new Map(options.files)
  }

  create(path: string): Promise<DiskFile> {
    return this.#do('create', path, () => {
      const inode = new Inode()
      this.#change([dirname(path)], (names) => names.set(path, inode))
      return this.#file(path, inode)
    })
  }

  openExisting(path: string): Promise<ReadableFile> {
    return this.#do('open', path, () => this.#file(path, this.#inode(path)))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do('rename', from, () => {
      const inode = this.#inode(from)
      this.#change([dirname(to), dirname(from)], (names) => {
        names.delete(from)
        names.set(to, inode)
      })
    })
  }

  unlink(path: string): Promise<void> {
    return this.#do('unlink', path, () => {
      this.#inode(path)
      this.#change([dirname(path)], (names) => names.delete(path))
    })
  }

  readFile(path: string): Promise<Buffer> {
    return this.#do('read', path, () => {
      const { content } = this.#inode(path)
      this.beforeRead(path, 0, content.length)
      return Buffer.from(content)
    })
  }

  readDirectory(path: string): Promise<string[]> {
    return this.#do('read', path, () => {
      const below = [...this.#names.keys()].filter((name) => name.startsWith(`${path}/`))
      return [...new Set(below.map((name) => name.slice(path.length + 1).split('/')[0] ?? ''))]
    })
  }

  syncDirectory(path: string): Promise<void> {
    return this.#do('syncDirectory', path, () => {
      // ext4 journals names in order, so earlier changes become durable with it; f2fs promises this folder alone.
      const last = this.#changes.findLastIndex(({ folders }) => folders.includes(path))
      const synced = this.#changes.filter(
        ({ folders }, i) => i <= last && (this.#type === ext4 || folders.includes(path)),
      )
      for (const { apply } of synced) apply(this.#durableNames)
      this.#changes = this.#changes.filter((change) => !synced.includes(change))
    })
  }

  async makeDirectory(): Promise<void> {}

  size(path: string): Promise<number> {
    return this.#do('read', path, () => this.#inode(path).content.length)
  }

  async fileSystemType(): Promise<number> {
    return this.#type
  }

  /** @returns Paths of all files, as they are now. */
  paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  bytesOf(path: string): Buffer {
    return Buffer.from(this.#inode(path).content)
  }

  /** @returns A disk with the same files and `bytes` in place of one; null removes that file. */
  damaged(path: string, bytes: Buffer | null): SimulatedDisk {
    const files = new Map(
      [...this.#names].map(([name, { content }]) => [name, new Inode(Buffer.from(content))]),
    )
    if (bytes === null) files.delete(path)
    else files.set(path, new Inode(Buffer.from(bytes)))
    return new SimulatedDisk({ type: this.#type, files })
  }

  /**
   * The disk after the process died while the kernel lives: nothing is lost, and nothing more is durable than before.
   */
  afterKill(): SimulatedDisk {
    const survivor = new SimulatedDisk({ type: this.#type })
    survivor.#names = this.#names
    survivor.#durableNames = this.#durableNames
    survivor.#changes = this.#changes
    return survivor
  }

  /** @returns What the next start may find if the power goes now. */
  afterCut(chance: () => number): SimulatedDisk {
    const names = new Map(this.#durableNames)
    const journalled = Math.floor(chance() * (this.#changes.length + 1))
    const made = (i: number) => (this.#type === ext4 ? i < journalled : chance() < 0.5)
    for (const { apply } of this.#changes.filter((_, i) => made(i))) apply(names)
    const files = new Map([...names].map(([name, inode]) => [name, inode.afterCut(chance)]))
    return new SimulatedDisk({ type: this.#type, files })
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw diskError('ENOENT', `open ${basename(path)}`)
    return inode
  }

  #change(folders: readonly string[], apply: Change['apply']): void {
    apply(this.#names)
    this.#changes.push({ folders, apply })
  }

  #file(path: string, inode: Inode): ReadableFile {
    return {
      read: (into, offset, length, position) =>
        this.#do('read', path, () => {
          this.beforeRead(path, position, length)
          // A read never returns all bytes at once, as any file system may do.
          const found = inode.content.subarray(position, position + Math.min(length, 10_000))
          into.set(found, offset)
          return { bytesRead: found.length }
        }),
      write: (bytes, offset, length, position) =>
        this.#do('write', path, () => {
          const taken = this.takes(length)
          inode.write(Buffer.from(bytes.subarray(offset, offset + taken)), position)
          return { bytesWritten: taken }
        }),
      datasync: () => this.#do('datasync', path, () => inode.sync()),
      sync: () => this.#do('sync', path, () => inode.sync()),
      close: () => this.#do('close', path, () => {}),
    }
  }

  async #do<T>(operation: Operation, path: string, effect: () => T): Promise<T> {
    await this.before(operation, path)
    const result = effect()
    await this.after(operation, path)
    return result
  }
}

const ext4 = 0xef53
/** The type number of f2fs: no zeros are written ahead there, so files grow. */
export const f2fs = 0xf2f52010

/** @returns An error in the form that the system gives it. */
export function diskError(code: string, what = 'write'): Error {
  return Object.assign(new Error(`${code}: simulated, ${what}`), { code, syscall: what })
}
