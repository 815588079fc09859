// Every route of the collector. What a route does is elsewhere; here is what it answers.

import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type FastifyError, type FastifyReply, type FastifyRequest, fastify, LogController } from 'fastify'
import * as v from 'valibot'
import { batchId, batchMediaType } from '../tests-spec/protocol/batch.ts'
import {
  joinLines,
  maxSealedBytes,
  receiptsMediaType,
  sealedMediaType,
} from '../tests-spec/protocol/sealed.ts'
import { maxRequestBytes } from '../tests-spec/protocol/test-helper.ts'
import { exportLines } from './archive/export.ts'
import type { Collector } from './collector.ts'
import { dashboard } from './dashboard/dashboard.ts'
import { contentSecurityPolicy } from './dashboard/page.ts'
import { chooseLanguage } from './dashboard/words.ts'
import { greeting } from './helper/test-helper.ts'
import { problem, problemMediaType, problemOf } from './problem.ts'

const dsseMediaType = 'application/vnd.dsse.envelope.v1+json'
const maxEnrolmentBytes = 4_096

/** Slow is normal where probes are; silent is not. A batch of 64 KiB at 2 kbit/s takes 260 s. */
const timeouts = { requestTimeout: 300_000, connectionTimeout: 120_000 }
/** 2,100 probes at once, those behind a slow proxy twice. Bodies are limited together, in intake/body.ts. */
const maxConnections = 4_096
/** What a busy collector asks for; probes spread it over as long again. */
const retryAfterSeconds = 30
/** How long a reader waits for batches that were received before it asked. */
const maxWaitForIndexMs = 1_000

const exportQuery = v.object({
  since: v.optional(v.pipe(v.string(), v.isoTimestamp(), v.transform(Date.parse))),
  limit: v.optional(
    v.pipe(v.string(), v.digits(), v.transform(Number), v.minValue(1), v.maxValue(10_000)),
    '1000',
  ),
})
const pageQuery = v.object({ lang: v.optional(v.string()), all: v.optional(v.string()) })

/** @returns The server, not listening yet. Closing it leaves `collector` open. */
export function buildServer(collector: Collector) {
  const { intake, sealedIntake, bodies, desk, archive, probes, index, indexer, helper, log, now } = collector
  const server = fastify({
    loggerInstance: log,
    // Fastify's own lines name the sender's address: a list of where the probes are, in whoever's hands the log is.
    logController: new LogController({ disableRequestLogging: true }),
    ...timeouts,
    // Behind a server that speaks TLS on this machine, `ip` is the address that one names: the helper counts by it.
    trustProxy: 'loopback',
    forceCloseConnections: 'idle',
    frameworkErrors: refuse,
  })
  server.server.maxConnections = maxConnections
  server.removeAllContentTypeParsers()
  server.setErrorHandler(refuse)
  server.setNotFoundHandler((_, reply) => answer(reply, problem(404, 'not_found', 'There is nothing here')))
  server.addHook('onRequest', async (_, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
  })

  server.get('/healthz', async () => ({
    status: 'ok',
    index: index === null ? 'missing' : 'open',
    behind: behind(),
  }))

  server.register(async (scope) => {
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: maxEnrolmentBytes },
      readJson,
    )
    scope.post('/v1/enrol', async ({ body }, reply) => {
      const record = await desk.enrol(body)
      return reply.code(201).type(dsseMediaType).send(record)
    })
  })

  server.register(async (scope) => {
    // Read by `bodies`, not by Fastify: the limit is over all requests together.
    scope.addContentTypeParser(batchMediaType, (_, body, done) => done(null, body))
    scope.post('/v1/batches', async ({ body, headers }, reply) => {
      // Without a body there is no content type to refuse either.
      if (!(body instanceof Readable))
        return answer(reply, problem(415, 'wrong_type', `Expected ${batchMediaType}`))
      const announced = headers['content-length']
      const accept = (bytes: Buffer) => intake.accept(bytes)
      const { kind, receipt } = await bodies.with(
        body,
        announced === undefined ? null : Number(announced),
        accept,
      )
      return reply
        .code(kind === 'stored' ? 201 : 200)
        .type(dsseMediaType)
        .send(receipt)
    })
  })

  server.register(async (scope) => {
    scope.addContentTypeParser(sealedMediaType, (_, body, done) => done(null, body))
    scope.post('/v1/sealed', async ({ body, headers }, reply) => {
      if (!(body instanceof Readable))
        return answer(reply, problem(415, 'wrong_type', `Expected ${sealedMediaType}`))
      const announced = headers['content-length']
      const take = (bytes: Buffer) => sealedIntake.take(bytes)
      const length = announced === undefined ? null : Number(announced)
      const { word, receipts } = await bodies.with(body, length, take, maxSealedBytes)
      return reply.type(receiptsMediaType).send(joinLines([word, ...receipts]))
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
        return answer(reply, problem(end.status, end.code, end.detail))
      })
    })
  }

  server.head('/v1/batches/:id', async ({ params }, reply) => {
    const { success, output } = v.safeParse(v.object({ id: batchId }), params)
    return reply.code(success && (await archive.has(output.id)) ? 200 : 404).send()
  })

  server.get('/api/v1/measurements', async ({ query }, reply) => {
    const { success, output } = v.safeParse(exportQuery, query)
    if (!success)
      return answer(reply, problem(400, 'bad_request', 'since is a time in ISO 8601, limit 1 to 10000'))
    if (index === null) return answer(reply, problem(503, 'no_index', 'The index is not available'))
    await indexCaughtUp()
    const lines = exportLines(archive, index.places(output.since ?? 0, output.limit))
    return reply.type('application/x-ndjson').send(Readable.from(lines))
  })

  server.get('/', async ({ query, headers }, reply) => {
    await indexCaughtUp()
    const asked = v.safeParse(pageQuery, query)
    const { lang, all } = asked.success ? asked.output : {}
    const language = chooseLanguage(lang, headers['accept-language'])
    const enrolled = probes.all()
    const text = dashboard({
      index,
      enrolled,
      behind: behind(),
      language,
      all: all !== undefined,
      now: now(),
    })
    reply.headers({
      'content-security-policy': contentSecurityPolicy,
      'content-language': language,
      vary: 'accept-language, accept-encoding',
    })
    reply.type('text/html; charset=utf-8')
    if (!/\bgzip\b/.test(String(headers['accept-encoding']))) return reply.send(text)
    // A fifth of the bytes, which on a 2G link is seconds.
    return reply.header('content-encoding', 'gzip').send(gzipSync(text))
  })

  return server

  function refuse(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
    const found = problemOf(error)
    const { status, code, detail } = found
    if (status === 500 || code === 'disk_full') log.error({ code, err: error }, 'Request failed')
    else log.info({ code: 'refused', refusal: code, detail }, 'Request refused')
    // What is left of a body is not read: 10 GB would have to pass before the next request.
    if (!request.raw.complete) reply.header('connection', 'close')
    if (status === 503) reply.header('retry-after', retryAfterSeconds)
    return answer(reply, found)
  }

  function behind(): number {
    return indexer?.behind ?? 0
  }

  /** So that who has just sent finds it; a herd makes readers see older tables, not wait. */
  async function indexCaughtUp(): Promise<void> {
    await indexer?.settledWithin(maxWaitForIndexMs)
  }
}

function answer(reply: FastifyReply, found: ReturnType<typeof problem>) {
  // Bytes: to a string Fastify adds a charset, which JSON does not have.
  return reply
    .code(found.status)
    .type(problemMediaType)
    .send(Buffer.from(JSON.stringify(found)))
}

async function readJson(_: FastifyRequest, body: Buffer): Promise<unknown> {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw Object.assign(new Error('The body is not JSON', { cause }), { statusCode: 400 })
  }
}
