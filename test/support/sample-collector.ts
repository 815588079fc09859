// A collector for the tests: a real folder, a real server on a port of its own, and the requests that a probe makes.
// Not part of any program.

import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { TokenBox } from '../../collector/archive/token-box.ts'
import {
  type Collector,
  type CollectorSettings,
  indexPath,
  openCollector,
} from '../../collector/collector.ts'
import type { ReaderRules } from '../../collector/http/reader-guard.ts'
import { buildServer, type ServerSettings, type Timeouts } from '../../collector/http/server.ts'
import { openLog } from '../../collector/log.ts'
import { type BatchId, batchMediaType } from '../../tests-spec/protocol/batch.ts'
import { onlyKey } from '../../tests-spec/protocol/dsse.ts'
import { openReceipt, type Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { SampleBatch, SampleProbe } from './sample-probe.ts'

/** An answer of the collector, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

export class SampleCollector {
  readonly state: string
  readonly #openIndex: CollectorSettings['openIndex']
  /** Everything that was logged, one object for each line that would have been written. */
  readonly logged: Record<string, unknown>[] = []
  #running: { collector: Collector; server: ReturnType<typeof buildServer>; url: string } | null = null
  /** Number of TCP connections since the collector was opened. */
  connections = 0
  /** The collector's clock, in milliseconds since 1970; the test moves it. */
  now = Date.UTC(2018, 6, 29, 13)

  readonly #settings: ServerSettings

  private constructor(state: string, openIndex: CollectorSettings['openIndex'], settings: ServerSettings) {
    this.state = state
    this.#openIndex = openIndex
    this.#settings = settings
  }

  static async start(
    openIndex: CollectorSettings['openIndex'] = null,
    timeouts?: Timeouts,
    readers?: ReaderRules,
    behindProxy = false,
  ): Promise<SampleCollector> {
    const folder = await mkdtemp(join(tmpdir(), 'sonde-collector-'))
    const sample = new SampleCollector(folder, openIndex, { timeouts, readers, behindProxy })
    await sample.#open()
    return sample
  }

  get collector(): Collector {
    return this.#parts.collector
  }

  get url(): string {
    return this.#parts.url
  }

  /** Calls `see` with each request as it comes, before the server handles it. */
  onRequest(see: (request: IncomingMessage) => void): void {
    this.#parts.server.server.prependListener('request', see)
  }

  /** @param meanwhile - Given the path of the index, which no process has open then. */
  async restart(
    meanwhile: (path: string) => void = () => {},
    settings: Partial<CollectorSettings> = {},
  ): Promise<void> {
    await this.#close()
    meanwhile(indexPath(this.state))
    await this.#open(settings)
  }

  /** Stops the collector and deletes its folder. */
  async remove(): Promise<void> {
    await this.#close()
    await rm(this.state, { recursive: true })
  }

  async token(): Promise<string> {
    return (await TokenBox.open(this.state)).issue(this.collector.key.id, this.now)
  }

  /** Enrols a probe over HTTP, as a probe does it. */
  async enrol(probe: SampleProbe): Promise<Answer> {
    const answer = await this.postEnrolment(probe.enrolmentRequest(await this.token()))
    if (answer.status === 201) probe.enrolled(answer.body)
    return answer
  }

  async postEnrolment(body: unknown): Promise<Answer> {
    return this.post('/v1/enrol', 'application/json', Buffer.from(JSON.stringify(body)))
  }

  async postBatch({ bytes }: Pick<SampleBatch, 'bytes'>): Promise<Answer> {
    return this.post('/v1/batches', batchMediaType, bytes)
  }

  async post(path: string, type: string, body: Uint8Array): Promise<Answer> {
    return this.#read(
      await fetch(`${this.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: new Uint8Array(body),
      }),
    )
  }

  async send(
    method: 'POST' | 'PATCH',
    path: string,
    body: Uint8Array,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const url = `${this.url}${path}`
    return this.#read(await fetch(url, { method, headers, body: new Uint8Array(body) }))
  }

  /** Removes a receipt, as a crash between a batch and its receipt does. */
  async loseReceipt(id: BatchId): Promise<void> {
    await rm(join(this.state, 'batches', id.slice(0, 2), `${id}.receipt.json`))
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#read(await fetch(`${this.url}${path}`, { headers }))
  }

  /** @returns The receipt, checked with the collector's key. */
  receiptIn({ body }: Answer): Receipt {
    return openReceipt(body, onlyKey(this.collector.key))
  }

  /** Every file of the state folder with the digest of its content, without the index. */
  async tree(): Promise<Record<string, string>> {
    const entries = await readdir(this.state, { recursive: true, withFileTypes: true })
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const kept = paths.filter((path) => !path.includes('index.sqlite')).sort()
    const digests = kept.map(async (path) => {
      const digest = createHash('sha256')
        .update(await readFile(path))
        .digest('hex')
      return [relative(this.state, path), digest] as const
    })
    return Object.fromEntries(await Promise.all(digests))
  }

  async #open(settings: Partial<CollectorSettings> = {}): Promise<void> {
    const log = openLog(
      (line) => this.logged.push(JSON.parse(line)),
      () => this.now,
      'debug',
    )
    const collector = await openCollector({
      state: this.state,
      log,
      now: () => this.now,
      openIndex: this.#openIndex,
      ...settings,
    })
    const server = buildServer(collector, this.#settings)
    server.server.on('connection', () => {
      this.connections += 1
    })
    this.connections = 0
    this.#running = { collector, server, url: await server.listen({ host: '127.0.0.1', port: 0 }) }
  }

  async #close(): Promise<void> {
    const { collector, server } = this.#parts
    this.#running = null
    // fetch() keeps its connections open for the next request, and closing the server would wait for them.
    server.server.closeAllConnections()
    await server.close()
    await collector.stop()
  }

  async #read(response: Response): Promise<Answer> {
    const { status, headers } = response
    return { status, headers, body: Buffer.from(await response.arrayBuffer()) }
  }

  get #parts() {
    if (this.#running === null) throw new Error('The collector is stopped')
    return this.#running
  }
}
