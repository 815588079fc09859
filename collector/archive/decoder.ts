// Unpacks payloads beside the event loop. A signature does not make a payload harmless: 8 MB may come to 16, and the
// fraction of a second that takes belongs to whoever is being received meanwhile. What is made of it is counted where it
// is made (tests-spec/protocol/payload.ts); that the thread has a limit of its own is the second line, and does not
// bound buffers.

import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { Manifest } from '../../tests-spec/protocol/batch.ts'
import { type OpenedPayload, openPayload } from '../../tests-spec/protocol/payload.ts'
import type { DecodeRequest } from './decode-worker.ts'

/** The program of the thread, where a build has put it into this one; otherwise it is the file beside this. */
declare const __SONDE_DECODE_WORKER__: string | undefined

/** What is smaller is unpacked here: that takes less than a millisecond, and a thread more. */
const smallBytes = 64 * 1024
const heapMiB = 256
/** Milliseconds of quiet after which the thread ends, and gives its memory back. */
const idleMs = 10_000
/** Milliseconds. The largest payload takes one second on a small machine. */
const timeoutMs = 60_000

/** One payload at a time: what is being unpacked is never more than one may have. */
export class Decoder {
  #worker: Worker | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  /**
   * Unpacks a payload, at most to the length that its manifest promises.
   *
   * @returns The text, or how it differs from the promise. No content of `payload` makes this throw.
   */
  open(promised: Manifest['payload'], payload: Uint8Array): Promise<OpenedPayload> {
    if (promised.rawLen <= smallBytes && payload.length <= smallBytes)
      return Promise.resolve(openPayload(promised, payload))
    const opened = this.#last.then(() => this.#inThread({ promised, payload: new Uint8Array(payload) }))
    this.#last = opened
    return opened
  }

  async #inThread(request: DecodeRequest): Promise<OpenedPayload> {
    clearTimeout(this.#idle)
    const worker = this.#worker ?? startWorker()
    this.#worker = worker
    worker.ref()
    const opened = await answerOf(worker, request)
    if (opened.kind === 'lying' && opened.fault === 'too_costly') this.close()
    // A thread without work must keep nothing running.
    worker.unref()
    this.#idle = setTimeout(() => this.close(), idleMs).unref()
    return opened
  }

  /** Ends the thread; the next payload starts another. */
  close(): void {
    clearTimeout(this.#idle)
    // Its last words concern nobody.
    void this.#worker?.on('error', () => {}).terminate()
    this.#worker = null
  }
}

/** One for all that reads archives in this process. */
export const decoder = new Decoder()

function answerOf(worker: Worker, request: DecodeRequest): Promise<OpenedPayload> {
  return new Promise((resolve) => {
    const end = (opened: OpenedPayload) => {
      clearTimeout(late)
      worker.off('message', hear).off('error', fail).off('exit', exit)
      resolve(opened)
    }
    const giveUp = (problem: string) => end({ kind: 'lying', fault: 'too_costly', problem })
    const hear = (opened: OpenedPayload) =>
      end(opened.kind === 'opened' ? { kind: 'opened', raw: bufferOf(opened.raw) } : opened)
    const fail = (error: Error) => giveUp(`Payload cannot be unpacked: ${error.message}`)
    const exit = () => giveUp('Payload cannot be unpacked')
    const late = setTimeout(() => giveUp('Payload takes too long to unpack'), timeoutMs)
    worker.on('message', hear).on('error', fail).on('exit', exit)
    worker.postMessage(request, [request.payload.buffer as ArrayBuffer])
  })
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function startWorker(): Worker {
  const resourceLimits = { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 4 }
  if (typeof __SONDE_DECODE_WORKER__ === 'string')
    return new Worker(__SONDE_DECODE_WORKER__, { eval: true, resourceLimits, execArgv: [] })
  // From the sources, Node.js needs what reads TypeScript in that thread as well.
  const loader = createRequire(import.meta.url).resolve('tsx')
  const execArgv = ['--import', loader]
  const sources = import.meta.url
  return new Worker(new URL('./decode-worker.ts', sources), { execArgv, resourceLimits })
}
