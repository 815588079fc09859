// Every batch on its way in, and what interrupted uploads left: batch.md, "Interrupted uploads". Their number, bytes
// and age are limited, in all and for each probe. They are in memory only: a batch without a receipt is safe with its
// probe, so a restart costs a few bytes sent again, while a file for each would cost a flush and a folder to clean
// up.

import type { Readable } from 'node:stream'
import {
  type BatchHead,
  type BatchId,
  BatchRefused,
  maxBatchBytes,
  type UploadName,
} from '../../tests-spec/protocol/batch.ts'
import { maxProgressAnswers } from '../../tests-spec/protocol/resumable-upload.ts'
import { OffsetMismatch, Refused } from './refusal.ts'
import { type Admission, cutShort, Upload } from './upload.ts'

export interface UploadLimits {
  /**
   * Bytes that bodies may take together, interrupted ones included. They are counted as they arrive and not as they
   * are announced, so that a client that announces much and sends nothing takes no room. The limit is sixteen of the
   * largest batches, or 2,000 of the usual.
   */
  readonly bytes: number
  /**
   * Bytes of interrupted uploads beyond which the oldest are given up; they are given up at once when uploads under
   * way need the bytes.
   */
  readonly idleBytes: number
  readonly idle: number
  /**
   * Number of interrupted uploads per probe. A probe sends one batch at a time; a second upload is left over when the
   * first was tried over another way.
   */
  readonly idlePerProbe: number
  /**
   * Age at which interrupted uploads are given up. On a link that dies every 15 s, a probe is back within a minute;
   * after a quarter of an hour, sending again costs little.
   */
  readonly idleMs: number
  /** Number of requests of one probe at once: a stolen key must not take the room of 2,100 other probes. */
  readonly activePerProbe: number
  /**
   * The time in which a body must show which probe it is from. An envelope of 2 kB comes in 8 s at 2 kbit/s; an
   * unknown sender can hold a connection for a minute and no longer.
   */
  readonly unknownMs: number
  /**
   * Bytes that may be held of bodies that have not shown yet which probe they are from: together, and of one network.
   * Strangers take room from strangers: where there is none, the oldest of the network that has most gives way.
   */
  readonly unknownBytes: number
  readonly unknownBytesEach: number
  /** Bytes of all bodies of one probe at once: four of the largest batches. */
  readonly bytesPerProbe: number
}

export const usualLimits: UploadLimits = {
  bytes: 128 * 1024 * 1024,
  idleBytes: 64 * 1024 * 1024,
  idle: 4_096,
  idlePerProbe: 2,
  idleMs: 15 * 60_000,
  activePerProbe: 32,
  unknownMs: 60_000,
  unknownBytes: 16 * 1024 * 1024,
  unknownBytesEach: 2 * 1024 * 1024,
  bytesPerProbe: 33 * 1024 * 1024,
}

/** One request that carries a batch or a part of one. */
export interface Incoming {
  readonly stream: Readable
  /** The network that it comes from: source-of.ts. */
  readonly source: string
  /** Called once it is known that an enrolled probe sends it. */
  readonly onKnown: () => void
  /** The Content-Length, or null. */
  readonly announcedBytes: number | null
  /** Whether the sender says that the batch ends with this body. */
  readonly complete: boolean
  /** Called with the number of bytes held, when the head is verified and now and then afterwards. */
  readonly onProgress: (upload: UploadName, held: number) => void
}

export type Arrived =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'part'; readonly upload: UploadName; readonly held: number }

interface Receiving {
  /** Ends it in favour of another connection. */
  supersede(): void
  /** Ends it in favour of other senders. */
  giveWay(): void
}

/**
 * After how many bytes a sender is told how far its body has come: a fifth of it, so that no request gets more than five
 * interim answers. HTTP libraries end a request that gets more, and 4 kB at least: an answer costs 80 bytes down.
 */
function progressBytes({ announcedBytes }: Incoming): number {
  return Math.max(4_096, Math.ceil((announcedBytes ?? maxBatchBytes) / maxProgressAnswers))
}

export class Uploads {
  readonly #admission: Admission
  readonly #limits: UploadLimits
  /** Clock in milliseconds that never goes back. */
  readonly #now: () => number
  /** Uploads that are being received, each with what ends it. */
  readonly #active = new Map<Upload, Receiving>()
  /** Bytes of those that have not shown whose they are, by network. */
  readonly #unknown = new Map<string, number>()
  /** Interrupted uploads, the one touched longest ago first. */
  readonly #idle = new Set<Upload>()
  readonly #unknownOf = new Map<Upload, number>()
  #bytes = 0

  constructor(admission: Admission, now: () => number, limits: UploadLimits = usualLimits) {
    this.#admission = admission
    this.#now = now
    this.#limits = limits
  }

  /** What is in memory now, for the operator. */
  get held(): { readonly active: number; readonly idle: number; readonly bytes: number } {
    return { active: this.#active.size, idle: this.#idle.size, bytes: this.#bytes }
  }

  /**
   * Receives a batch from its beginning and passes it to `use`, or keeps the part that came.
   *
   * @throws {BatchRefused | Refused} The rest of the stream is then not read: close the connection.
   */
  begin<T>(incoming: Incoming, use: (arrived: Arrived) => Promise<T>): Promise<T> {
    return this.#receive(new Upload(this.#admission, incoming.source), incoming, use)
  }

  /**
   * Goes on with an upload from `offset`. A connection of the same network that was still sending it is cut off: it must
   * be dead, or the probe would not have come again. What another network began stays as it is, and this goes on with a
   * copy: its name can be heard on a line in clear text, and whoever heard it must neither cut it off nor spoil it.
   *
   * @throws {Refused} `no_upload`; {OffsetMismatch}; and the errors of `begin`.
   */
  resume<T>(
    name: UploadName,
    offset: number,
    incoming: Incoming,
    use: (arrived: Arrived) => Promise<T>,
  ): Promise<T> {
    const { source } = incoming
    const upload = this.#longest(({ upload }) => upload === name, source)
    if (upload === null)
      return Promise.reject(
        new Refused('no_upload', 'Nothing is held of this batch: send it from the beginning'),
      )
    if (upload.source !== source) {
      if (upload.bytes !== offset) return Promise.reject(new OffsetMismatch(upload.bytes))
      const fork = upload.forkFor(source)
      this.#bytes += fork.bytes
      return this.#receive(fork, incoming, use)
    }
    this.#active.get(upload)?.supersede()
    if (upload.bytes !== offset) {
      this.#keepOrDrop(upload)
      return Promise.reject(new OffsetMismatch(upload.bytes))
    }
    this.#idle.delete(upload)
    return this.#receive(upload, incoming, use)
  }

  /**
   * Bytes held of a batch, by an upload under way or an interrupted one; null when there is neither. Those that the asking
   * network has sent itself come first: nobody else can have spoiled them.
   */
  offsetOf(id: BatchId, source: string): number | null {
    return this.#longest((head) => head.id === id, source)?.bytes ?? null
  }

  /** The same of an upload by its name. */
  heldOf(name: UploadName, source: string): number | null {
    return this.#longest(({ upload }) => upload === name, source)?.bytes ?? null
  }

  async #receive<T>(upload: Upload, incoming: Incoming, use: (arrived: Arrived) => Promise<T>): Promise<T> {
    const { announcedBytes, complete } = incoming
    if (announcedBytes !== null && upload.bytes + announcedBytes > maxBatchBytes) {
      if (upload.bytes > 0) this.#keepOrDrop(upload)
      throw tooLarge()
    }
    try {
      await this.#read(upload, incoming)
    } catch (error) {
      // An upload that was cut off may go on later, one that was refused never does, and one that was superseded
      // belongs to another connection.
      const code = error instanceof Refused ? error.code : null
      if (code === 'truncated') this.#keepOrDrop(upload)
      else if (code !== 'superseded') this.#drop(upload)
      throw error
    }
    const { head, isWhole } = upload
    if (!isWhole && (complete || head === null)) {
      this.#drop(upload)
      throw new BatchRefused(
        'truncated',
        `The body ended after ${upload.bytes} of ${upload.expected ?? 'unknown'} bytes`,
      )
    }
    if (!isWhole && head !== null) {
      this.#keepOrDrop(upload)
      return use({ kind: 'part', upload: head.upload, held: upload.bytes })
    }
    this.#forget(head?.id ?? null)
    const whole = upload.take()
    try {
      return await use({ kind: 'whole', bytes: whole })
    } finally {
      this.#bytes -= whole.length
    }
  }

  /**
   * Events are used because leaving a `for await` early destroys the stream, and with it the socket over which the
   * refusal should be sent.
   */
  #read(upload: Upload, incoming: Incoming): Promise<void> {
    const { stream, onProgress, onKnown } = incoming
    const step = progressBytes(incoming)
    let told = upload.bytes
    let receiving: Receiving | null = null
    if (upload.head !== null) onKnown()
    return new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => {
        stream.removeAllListeners('data').pause()
        reject(error)
      }
      receiving = {
        supersede: () => {
          fail(new Refused('superseded', 'The same batch came over another connection'))
          // The probe does not wait for an answer on that connection any more.
          stream.destroy()
        },
        giveWay: () => fail(new Refused('busy', 'Too much is being received at once')),
      }
      this.#active.set(upload, receiving)
      const unknown = setTimeout(() => {
        if (upload.head === null)
          fail(new Refused('too_slow', 'The beginning of the batch did not come in time'))
      }, this.#limits.unknownMs).unref()
      stream.on('close', () => clearTimeout(unknown))
      stream.on('data', (chunk: Buffer) => {
        try {
          const knownBefore = upload.head !== null
          this.#take(upload, chunk)
          if (upload.head === null) return
          if (!knownBefore) onKnown()
          this.#checkShare(upload, knownBefore)
          if (knownBefore && upload.bytes - told < step) return
          told = upload.bytes
          onProgress(upload.head.upload, told)
        } catch (refusal) {
          fail(refusal as Error)
        }
      })
      stream.on('end', () => resolve())
      stream.on('error', (cause) => reject(cutShort(upload.bytes, cause)))
      stream.on('close', () => reject(cutShort(upload.bytes)))
    }).finally(() => {
      if (this.#active.get(upload) === receiving) this.#active.delete(upload)
      this.#forgetUnknown(upload)
    })
  }

  #take(upload: Upload, chunk: Buffer): void {
    this.#bytes += chunk.length
    upload.touchedAt = this.#now()
    for (const oldest of this.#idle) {
      if (this.#bytes <= this.#limits.bytes) break
      this.#drop(oldest)
    }
    upload.append(chunk)
    if (upload.head === null) this.#countUnknown(upload)
    else this.#forgetUnknown(upload)
    if (this.#bytes > this.#limits.bytes) throw new Refused('busy', 'Too much is being received at once')
    if (upload.bytes > maxBatchBytes) throw tooLarge()
  }

  /** Notes how much of an upload is held without knowing whose it is, and makes strangers share what there is for them. */
  #countUnknown(upload: Upload): void {
    this.#forgetUnknown(upload)
    this.#unknownOf.set(upload, upload.bytes)
    const own = (this.#unknown.get(upload.source) ?? 0) + upload.bytes
    this.#unknown.set(upload.source, own)
    if (own > this.#limits.unknownBytesEach)
      throw new Refused('busy', 'Too much is being received at once from there')
    let all = 0
    for (const bytes of this.#unknown.values()) all += bytes
    if (all <= this.#limits.unknownBytes) return
    const [most] = [...this.#unknown].reduce((a, b) => (b[1] > a[1] ? b : a))
    for (const [each, { giveWay }] of this.#active) {
      if (each.source !== most || each.head !== null) continue
      giveWay()
      this.#forgetUnknown(each)
      break
    }
  }

  #forgetUnknown(upload: Upload): void {
    const bytes = this.#unknownOf.get(upload)
    if (bytes === undefined) return
    this.#unknownOf.delete(upload)
    const left = (this.#unknown.get(upload.source) ?? 0) - bytes
    if (left <= 0) this.#unknown.delete(upload.source)
    else this.#unknown.set(upload.source, left)
  }

  /** Checks number and bytes of the uploads of one probe, so that its key cannot take every place. */
  #checkShare(upload: Upload, knownBefore: boolean): void {
    const { activePerProbe, bytesPerProbe } = this.#limits
    // Looked at again only by those that are large, of which there are few.
    if (knownBefore && upload.bytes < bytesPerProbe / activePerProbe) return
    const device = upload.head?.manifest.device
    const ofProbe = [...this.#active].filter(([each]) => each.head?.manifest.device === device)
    const sum = (of: typeof ofProbe) => of.reduce((total, [each]) => total + each.bytes, 0)
    for (let all = ofProbe; all.length > activePerProbe || sum(all) > bytesPerProbe; ) {
      // An envelope can be heard in clear text and sent again: those who do that take room from themselves.
      const size = all.length > activePerProbe ? () => 1 : (each: Upload) => each.bytes
      const most = sourceWithMost(
        all.map(([each]) => each),
        size,
      )
      const gives = all.find(([each]) => each.source === most && each !== upload)
      if (most === upload.source || gives === undefined)
        throw new Refused('busy', 'This probe is sending too much at once')
      const [other, { giveWay }] = gives
      giveWay()
      this.#active.delete(other)
      all = all.filter((each) => each !== gives)
    }
  }

  /** The longest upload of a batch from this network; without one, the longest of all. */
  #longest(isMeant: (head: BatchHead) => boolean, source: string): Upload | null {
    this.#dropOld()
    const of = [...this.#idle, ...this.#active.keys()].filter(({ head }) => head !== null && isMeant(head))
    const own = of.filter((each) => each.source === source)
    return (own.length > 0 ? own : of).sort((a, b) => b.bytes - a.bytes)[0] ?? null
  }

  /** Keeps what an interrupted upload brought, if its head has come and there is room. */
  #keepOrDrop(upload: Upload): void {
    const { head } = upload
    if (head === null || upload.isWhole) {
      this.#drop(upload)
      return
    }
    this.#idle.delete(upload)
    this.#idle.add(upload)
    this.#dropOld()
    const ofBatch = [...this.#idle].filter(
      (each) => each.head?.id === head.id && each.source === upload.source,
    )
    for (const each of ofBatch.sort((a, b) => a.bytes - b.bytes).slice(0, -1)) this.#drop(each)
    const ofProbe = [...this.#idle].filter((each) => each.head?.manifest.device === head.manifest.device)
    // Copies first: a stranger may have made them.
    ofProbe.sort((a, b) => Number(b.isFork) - Number(a.isFork))
    for (let left = ofProbe; left.length > this.#limits.idlePerProbe; ) {
      const forks = left.filter(({ isFork }) => isFork)
      // Then those of the network that has most: what was heard can be begun anew as well.
      const most = sourceWithMost(left, () => 1)
      const gives = forks[0] ?? left.find(({ source }) => source === most)
      if (gives === undefined) break
      this.#drop(gives)
      left = left.filter((each) => each !== gives)
    }
    let bytes = [...this.#idle].reduce((sum, each) => sum + each.bytes, 0)
    for (const each of this.#idle) {
      if (this.#idle.size <= this.#limits.idle && bytes <= this.#limits.idleBytes) break
      bytes -= each.bytes
      this.#drop(each)
    }
  }

  #dropOld(): void {
    const before = this.#now() - this.#limits.idleMs
    for (const each of this.#idle) {
      if (each.touchedAt > before) break
      this.#drop(each)
    }
  }

  /** The batch is whole: parts of it that other connections left are not needed any more. */
  #forget(id: BatchId | null): void {
    for (const each of this.#idle) if (each.head?.id === id) this.#drop(each)
  }

  #drop(upload: Upload): void {
    this.#idle.delete(upload)
    this.#bytes -= upload.bytes
    upload.take()
  }
}

/** The network that sent most of these; of two that sent as much, the one that began first. */
function sourceWithMost(uploads: readonly Upload[], size: (upload: Upload) => number): string | null {
  const sums = new Map<string, number>()
  for (const each of uploads) sums.set(each.source, (sums.get(each.source) ?? 0) + size(each))
  return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
}

function tooLarge(): Refused {
  return new Refused('too_large', `A batch has at most ${maxBatchBytes} bytes`)
}
