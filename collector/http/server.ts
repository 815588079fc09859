// Every route of the collector. What a route does is elsewhere; here is what it answers.

import { Readable } from 'node:stream'
import { type FastifyError, type FastifyReply, type FastifyRequest, fastify, LogController } from 'fastify'
import * as v from 'valibot'
import {
  type BatchId,
  BatchRefused,
  batchId,
  batchMediaType,
  maxBatchBytes,
  type UploadName,
  uploadName,
} from '../../tests-spec/protocol/batch.ts'
import { lastingCodes, sealRefusal } from '../../tests-spec/protocol/refusal.ts'
import {
  partialUploadType,
  readComplete,
  readOffset,
  structuredBoolean,
  uploadHeaders,
} from '../../tests-spec/protocol/resumable-upload.ts'
import { joinLines, receiptsMediaType, sealedMediaType } from '../../tests-spec/protocol/sealed.ts'
import { maxRequestBytes } from '../../tests-spec/protocol/test-helper.ts'
import type { Collector } from '../collector.ts'
import { takeFarewell } from '../intake/farewells.ts'
import { OffsetMismatch, Refused } from '../intake/refusal.ts'
import { type Arrived, type Incoming, usualLimits } from '../intake/uploads.ts'
import { sourceOf } from '../source-of.ts'
import { greeting } from '../test-helper/test-helper.ts'
import { Connections } from './connections.ts'
import { hearsProgress, progressTeller } from './interim-answers.ts'
import { KnownMethods } from './known-methods.ts'
import { addListsRoutes } from './lists-routes.ts'
import { addListsSeenRoute } from './lists-seen-route.ts'
import { ownWords } from './own-words.ts'
import { answerProblem, type Problem, problem, problemOf } from './problem.ts'
import { anyone, type ReaderRules } from './reader-guard.ts'
import { addReadingRoutes } from './reading-routes.ts'

const dsseMediaType = 'application/vnd.dsse.envelope.v1+json'
const maxEnrolmentBytes = 4_096

/** How long a client may take. All in milliseconds. */
export interface Timeouts {
  /** One request, its body included. */
  readonly requestTimeout: number
  /** Silence on a connection. */
  readonly connectionTimeout: number
  /** The headers of a request: a line of them every minute holds no connection. */
  readonly headersTimeout: number
  /** How often the three are looked at. */
  readonly checkEvery: number
}

/** Slow is normal where probes are; silent is not. A batch of 64 KiB at 2 kbit/s takes 260 s, headers 3. */
const usualTimeouts: Timeouts = {
  requestTimeout: 300_000,
  connectionTimeout: 120_000,
  headersTimeout: 30_000,
  checkEvery: 10_000,
}
/** 2,100 probes at once, those behind a slow proxy twice. Bodies are limited together, in intake/uploads.ts. */
const maxConnections = 4_096
/** What a busy collector asks for; probes spread it over as long again. */
const retryAfterSeconds = 30

export interface ServerSettings {
  readonly timeouts?: Timeouts | undefined
  /**
   * Whether another server on this machine speaks for the senders. Only then is what it says of their addresses
   * believed: anyone may write `X-Forwarded-For`.
   */
  readonly behindProxy?: boolean | undefined
  readonly readers?: ReaderRules | undefined
}

/** @returns The server, not listening yet. Closing it leaves `collector` open. */
export function buildServer(
  collector: Collector,
  { timeouts = usualTimeouts, behindProxy = false, readers = anyone }: ServerSettings = {},
) {
  const {
    intake,
    sealedIntake,
    sealedBodies,
    uploads,
    desk,
    probes,
    archive,
    index,
    indexer,
    attempts,
    helper,
    log,
    now,
    key,
  } = collector
  let indexIsDamaged = false
  const server = fastify({
    loggerInstance: ownWords(log),
    // Fastify's own lines name the sender's address: a list of where the probes are, in whoever's hands the log is.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: timeouts.requestTimeout,
    connectionTimeout: timeouts.connectionTimeout,
    http: { headersTimeout: timeouts.headersTimeout, connectionsCheckingInterval: timeouts.checkEvery },
    // `ip` is then the address that the server in front names: the helper counts by it.
    trustProxy: behindProxy ? 'loopback' : false,
    forceCloseConnections: 'idle',
    frameworkErrors: refuse,
  })
  const connections = new Connections(maxConnections)
  server.server.on('connection', (socket) => connections.add(socket))
  server.removeAllContentTypeParsers()
  server.setErrorHandler(refuse)
  const known = new KnownMethods()
  server.addHook('onRoute', ({ url, method }) => known.add(url, [method].flat()))
  server.setNotFoundHandler(({ url }, reply) => {
    const methods = known.at(url)
    if (methods.length === 0) return answerProblem(reply, problem(404, 'not_found', 'There is nothing here'))
    reply.header('allow', methods.join(', '))
    return answerProblem(reply, problem(405, 'wrong_method', `Expected ${methods.join(' or ')}`))
  })
  server.addHook('onRequest', async (_, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
  })

  server.get('/healthz', async (_, reply) => {
    const { fault } = intake
    if (fault !== null) reply.code(503)
    return {
      // What the last batch met, since nothing else shows whether the next would be taken.
      status: fault === null ? 'ok' : 'failing',
      ...(fault !== null && { intake: fault }),
      index: index === null ? 'missing' : indexIsDamaged ? 'damaged' : 'open',
      behind: behind(),
      set_aside: attempts.setAside.length,
    }
  })

  server.register(async (scope) => {
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: maxEnrolmentBytes },
      readJson,
    )
    scope.post('/v1/farewell', async ({ body }) => ({
      withdrawn: await takeFarewell(Buffer.from(JSON.stringify(body)), { probes, now, log }),
    }))
    scope.post('/v1/enrol', async ({ body }, reply) => {
      const record = await desk.enrol(body)
      return reply.code(201).type(dsseMediaType).send(record)
    })
  })

  server.register(async (scope) => {
    // Read by `uploads`, not by Fastify: the limit is over all requests together.
    for (const type of [batchMediaType, partialUploadType])
      scope.addContentTypeParser(type, (_, body, done) => done(null, body))

    scope.post('/v1/batches', async (request, reply) => {
      const incoming = incomingOf(request, reply, batchMediaType, behindProxy, connections)
      return uploads.begin(incoming, (arrived) => settle(arrived, reply, 201))
    })

    // PATCH is what the draft says, and POST what every box on the way knows.
    const goOn = async (request: FastifyRequest, reply: FastifyReply) => {
      const incoming = incomingOf(request, reply, partialUploadType, behindProxy, connections)
      const offset = readOffset(request.headers[uploadHeaders.offset])
      const name = uploadIn(request.params)
      if (offset === null || name === null)
        throw new Refused('bad_request', `Expected the name of an upload and ${uploadHeaders.offset}`)
      return uploads.resume(name, offset, incoming, (arrived) => settle(arrived, reply, 204))
    }
    scope.post('/v1/uploads/:name', goOn)
    scope.patch('/v1/uploads/:name', goOn)
  })

  server.head('/v1/uploads/:name', async ({ params, ip }, reply) => {
    const name = uploadIn(params)
    const held = name === null ? null : uploads.heldOf(name, sourceOf(ip))
    if (held === null) return reply.code(404).send()
    return reply.code(204).headers(progressOf(held)).send()
  })

  server.get('/v1/batches/:id/receipt', async ({ params, ip }, reply) => {
    const id = idIn(params)
    const receipt = id === null ? null : await intake.receipt(id)
    if (receipt !== null) return reply.type(dsseMediaType).send(receipt)
    const held = id === null ? null : uploads.offsetOf(id, sourceOf(ip))
    // Also what HEAD of the upload would say: on a bad link a round trip is a second.
    if (held !== null) reply.headers(progressOf(held))
    return answerProblem(reply, problem(404, 'not_held', 'This batch is not here'))
  })

  server.register(async (scope) => {
    scope.addContentTypeParser(sealedMediaType, (_, body, done) => done(null, body))
    scope.post('/v1/sealed', async ({ body, headers, ip }, reply) => {
      if (!(body instanceof Readable))
        return answerProblem(reply, problem(415, 'wrong_type', `Expected ${sealedMediaType}`))
      const announced = headers['content-length']
      const take = (bytes: Buffer) => sealedIntake.take(bytes)
      const length = announced === undefined ? null : Number(announced)
      const { word, receipts } = await sealedBodies.with(body, length, sourceOf(ip), take)
      return reply.type(receiptsMediaType).send(joinLines([word, ...receipts]))
    })
    scope.post('/v1/sealed/:name', async ({ body, headers, ip, params }, reply) => {
      if (!(body instanceof Readable))
        return answerProblem(reply, problem(415, 'wrong_type', `Expected ${sealedMediaType}`))
      const name = uploadIn(params)
      const offset = readOffset(headers[uploadHeaders.offset])
      if (name === null || offset === null)
        throw new Refused('bad_request', `Expected the digest of the file and ${uploadHeaders.offset}`)
      const announced = headers['content-length']
      const length = announced === undefined ? null : Number(announced)
      const part = { name, offset, complete: readComplete(headers[uploadHeaders.complete]) ?? true }
      const take = (bytes: Buffer) => sealedIntake.take(bytes)
      const taken = await sealedBodies.append(part, body, length, sourceOf(ip), take)
      if ('held' in taken) return reply.code(204).headers(progressOf(taken.held)).send()
      return reply.type(receiptsMediaType).send(joinLines([taken.word, ...taken.receipts]))
    })
  })

  if (helper !== null) {
    server.register(async (scope) => {
      scope.addContentTypeParser(
        'application/json',
        { parseAs: 'buffer', bodyLimit: maxRequestBytes },
        readJson,
      )
      scope.get('/v1/web-connectivity', async () => greeting)
      scope.post('/v1/web-connectivity', async ({ body, ip }, reply) => {
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        const end = await helper.answer(body, ip, gone.signal)
        if (end.kind === 'measured') return end.response
        if (end.retryAfterSeconds !== null) reply.header('retry-after', end.retryAfterSeconds)
        // Not thrown: a refusal that is thrown is logged, and this one quotes what was asked.
        return answerProblem(reply, problem(end.status, end.code, end.detail))
      })
    })
  }

  server.head('/v1/sealed/:name', async ({ params, ip }, reply) => {
    const name = uploadIn(params)
    const held = name === null ? null : sealedBodies.heldOf(name, sourceOf(ip))
    return held === null ? reply.code(404).send() : reply.code(204).headers(progressOf(held)).send()
  })

  server.head('/v1/batches/:id', async ({ params }, reply) => {
    const id = idIn(params)
    return reply.code(id !== null && (await archive.has(id)) ? 200 : 404).send()
  })

  addReadingRoutes(server, collector, readers)
  addListsRoutes(server, collector)
  addListsSeenRoute(server, collector, readers)

  return server

  function refuse(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
    const found = signedWhereItLasts(problemOf(error), error)
    const { status, code, detail } = found
    if (code === 'no_index') sayOfIndex(error)
    else if (code === 'disk_full') log.error('disk_full', { err: error })
    else if (code === 'disk_failing') log.error('disk_failing', { err: error })
    else if (status === 500) log.error('internal', { err: error })
    else log.info('refused', { refusal: code, detail })
    // What is left of a body is not read: 10 GB would have to pass before the next request.
    if (!request.raw.complete) reply.header('connection', 'close')
    if (status === 503) reply.header('retry-after', retryAfterSeconds)
    if (error instanceof OffsetMismatch) reply.headers(progressOf(error.held))
    return answerProblem(reply, found)
  }

  /** A refusal that costs the probe its batch is no word for whatever stands on the way to say: it is signed. */
  function signedWhereItLasts(found: Problem, error: unknown): Problem {
    const batch = error instanceof Refused || error instanceof BatchRefused ? error.batch : null
    if (batch === null || !lastingCodes.has(found.code)) return found
    const content = { v: 1, batch, code: found.code, at: now(), collector: key.id } as const
    return { ...found, signed: JSON.parse(sealRefusal(content, key.privateKey).toString('utf8')) }
  }

  /** Once: readers come every minute, and it stays as it is until it is made again. */
  function sayOfIndex(err: Error): void {
    if (!indexIsDamaged) log.error('no_index', { err })
    indexIsDamaged = true
  }

  async function settle(arrived: Arrived, reply: FastifyReply, ofPart: number): Promise<FastifyReply> {
    if (arrived.kind === 'part') {
      return reply
        .code(ofPart)
        .headers({ location: `/v1/uploads/${arrived.upload}`, ...progressOf(arrived.held) })
        .send()
    }
    const { kind, receipt } = await intake.accept(arrived.bytes)
    return reply
      .code(kind === 'stored' ? 201 : 200)
      .type(dsseMediaType)
      .send(receipt)
  }

  function behind(): number {
    return indexer?.behind ?? 0
  }
}

/** @throws {Refused} `wrong_type`. */
function incomingOf(
  request: FastifyRequest,
  reply: FastifyReply,
  type: string,
  behindProxy: boolean,
  connections: Connections,
): Incoming {
  const { body, headers, ip, raw } = request
  // Without a body there is no content type that Fastify could refuse.
  if (!(body instanceof Readable) || headers['content-type']?.split(';')[0]?.trim() !== type)
    throw new Refused('wrong_type', `Expected ${type}`)
  const announced = headers['content-length']
  return {
    stream: body,
    source: sourceOf(ip),
    onKnown: () => connections.known(raw.socket),
    announcedBytes: announced === undefined ? null : Number(announced),
    complete: readComplete(headers[uploadHeaders.complete]) ?? true,
    onProgress: hearsProgress(request.raw, behindProxy) ? progressTeller(reply.raw) : () => {},
  }
}

function progressOf(held: number): Record<string, string> {
  return {
    [uploadHeaders.offset]: String(held),
    [uploadHeaders.complete]: structuredBoolean(false),
    [uploadHeaders.limit]: `max-size=${maxBatchBytes}, max-age=${usualLimits.idleMs / 1000}`,
  }
}

function idIn(params: unknown): BatchId | null {
  const { success, output } = v.safeParse(v.object({ id: batchId }), params)
  return success ? output.id : null
}

function uploadIn(params: unknown): UploadName | null {
  const { success, output } = v.safeParse(v.object({ name: uploadName }), params)
  return success ? output.name : null
}

async function readJson(_: FastifyRequest, body: Buffer): Promise<unknown> {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw Object.assign(new Error('The body is not JSON', { cause }), { statusCode: 400 })
  }
}
