// A disk that tells the truth about what it was asked to keep: a FUSE file system (raw /dev/fuse protocol 7.31, see
// linux/fuse.h) with two files. `disk` backs a loop device that carries a real ext4: every write and every flush that
// the kernel sends is noted in order. Into `said` the program under test writes what it promises: its words come down
// the same line as its writes, and so stand among them exactly where they were spoken.
//
// The process that serves it must never touch a path on it, nor on what is mounted from it: it would wait for itself.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, read, writeSync } from 'node:fs'
import type { Entry } from './disk-log.ts'

/** A name that tells whoever lists loop devices whose it is. */
export const diskName = 'sonde-power-disk'
export const saidName = 'said'

const rootNode = 1n
const diskNode = 2n
const saidNode = 3n
/** One write of the kernel, and room for its header. */
const maxWrite = 1 << 20
/** Names and attributes never change: the kernel need not ask twice. Seconds. */
const validFor = 3_600n

const ops = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  releasedir: 29,
  access: 34,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const
const ENOENT = 2
const EIO = 5
const ENOSYS = 38
const nothing = Buffer.alloc(0)

export class FuseDisk {
  readonly log: Entry[] = []
  /** Of what `log` holds. */
  loggedBytes = 0
  /** Lines in `said`. */
  words = 0
  /** Refuses every write and every flush with EIO, as a dying card does. */
  failing = false
  readonly #content: Buffer
  readonly #device = openSync('/dev/fuse', 'r+')
  readonly #request = Buffer.alloc(maxWrite + 4_096)

  /** @param content - What is on the disk at first; changed by every write. */
  constructor(content: Buffer) {
    this.#content = content
  }

  async mount(folder: string): Promise<void> {
    // Without the helper of libfuse, which need not be there; the child has the device as its descriptor 3.
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0'
    const child = spawn('mount', ['-i', '-t', 'fuse', '-o', options, 'sonde-power', folder], {
      stdio: ['ignore', 'inherit', 'inherit', this.#device],
    })
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`Cannot mount the FUSE file system: mount ended with ${code}`)
    this.#serve()
  }

  #serve(): void {
    read(this.#device, this.#request, 0, this.#request.length, null, (error, length) => {
      // Unmounted: the end.
      if (error?.code === 'ENODEV') return closeSync(this.#device)
      // ENOENT: the request was withdrawn before it was read.
      if (error !== null && !['EINTR', 'EAGAIN', 'ENOENT'].includes(error.code ?? '')) throw error
      if (error === null) this.#answer(this.#request.subarray(0, length))
      this.#serve()
    })
  }

  #answer(request: Buffer): void {
    const id = request.readBigUInt64LE(8)
    const answer = this.#answerTo(request.readUInt32LE(4), request.readBigUInt64LE(16), request.subarray(40))
    if (answer === null) return
    const [body, error] = Buffer.isBuffer(answer) ? [answer, 0] : [nothing, answer.error]
    const head = Buffer.alloc(16)
    head.writeUInt32LE(16 + body.length, 0)
    head.writeInt32LE(-error, 4)
    head.writeBigUInt64LE(id, 8)
    try {
      writeSync(this.#device, Buffer.concat([head, body]))
    } catch (failure) {
      // Whoever asked was killed, and the kernel waits no more.
      if ((failure as NodeJS.ErrnoException).code !== 'ENOENT') throw failure
    }
  }

  /** @returns null where the protocol has no answer. */
  #answerTo(op: number, node: bigint, body: Buffer): Buffer | { readonly error: number } | null {
    if (this.failing && (op === ops.write || op === ops.fsync)) return { error: EIO }
    switch (op) {
      case ops.init:
        return greeting(body.readUInt32LE(12))
      case ops.lookup:
        return this.#lookup(body.toString('latin1', 0, body.length - 1))
      case ops.getattr:
      case ops.setattr:
        return Buffer.concat([words(validFor, 0n), this.#attributes(node)])
      case ops.open:
        // FOPEN_DIRECT_IO: the kernel keeps nothing of its own between the loop device and us.
        return words(0n, 1n)
      case ops.opendir:
        return words(0n, 0n)
      case ops.read: {
        const offset = Number(body.readBigUInt64LE(8))
        return this.#content.subarray(offset, offset + body.readUInt32LE(16))
      }
      case ops.write: {
        const length = body.readUInt32LE(16)
        this.#keep(node, Number(body.readBigUInt64LE(8)), Buffer.from(body.subarray(40, 40 + length)))
        return words(BigInt(length))
      }
      case ops.fsync:
        this.log.push({ kind: 'flush' })
        return nothing
      case ops.statfs:
        return Buffer.alloc(80)
      case ops.release:
      case ops.releasedir:
      case ops.flush:
      case ops.access:
      case ops.destroy:
        return nothing
      case ops.forget:
      case ops.batchForget:
      case ops.interrupt:
        return null
      default:
        return { error: ENOSYS }
    }
  }

  #keep(node: bigint, offset: number, bytes: Buffer): void {
    this.loggedBytes += bytes.length
    if (node === saidNode) {
      const text = bytes.toString('utf8')
      this.words += text.split('\n').length - 1
      this.log.push({ kind: 'said', text })
      return
    }
    bytes.copy(this.#content, offset)
    this.log.push({ kind: 'write', offset, bytes })
  }

  #lookup(name: string): Buffer | { readonly error: number } {
    const node = { [diskName]: diskNode, [saidName]: saidNode }[name]
    if (node === undefined) return { error: ENOENT }
    return Buffer.concat([words(node, 0n, validFor, validFor, 0n), this.#attributes(node)])
  }

  /** struct fuse_attr */
  #attributes(node: bigint): Buffer {
    const attributes = Buffer.alloc(88)
    const size = node === diskNode ? this.#content.length : 0
    attributes.writeBigUInt64LE(node, 0)
    attributes.writeBigUInt64LE(BigInt(size), 8)
    attributes.writeBigUInt64LE(BigInt(size / 512), 16)
    attributes.writeUInt32LE(node === rootNode ? 0o40700 : 0o100600, 60)
    attributes.writeUInt32LE(node === rootNode ? 2 : 1, 64)
    attributes.writeUInt32LE(4_096, 80)
    return attributes
  }
}

/** struct fuse_init_out: large writes, in up to 256 pages, and several reads at once. */
function greeting(offered: number): Buffer {
  const asyncRead = 1
  const bigWrites = 1 << 5
  const maxPages = 1 << 22
  const body = Buffer.alloc(64)
  body.writeUInt32LE(7, 0)
  body.writeUInt32LE(31, 4)
  body.writeUInt32LE(1 << 17, 8)
  body.writeUInt32LE((offered & (asyncRead | bigWrites | maxPages)) >>> 0, 12)
  body.writeUInt16LE(16, 16)
  body.writeUInt16LE(12, 18)
  body.writeUInt32LE(maxWrite, 20)
  body.writeUInt32LE(1, 24)
  body.writeUInt16LE(256, 28)
  return body
}

function words(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8)
  for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(value, i * 8)
  return bytes
}
