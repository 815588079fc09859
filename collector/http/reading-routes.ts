// What anyone reads: the page, and the measurements. Both cost something for each who asks, and are bounded by that.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import { readSuspected } from '../archive/suspicions.ts'
import type { Collector } from '../collector.ts'
import { dashboard } from '../dashboard/dashboard.ts'
import { contentSecurityPolicy } from '../dashboard/page.ts'
import { chooseLanguage } from '../dashboard/words.ts'
import { BatchReader } from '../export/export-lines.ts'
import { sourceOf } from '../source-of.ts'
import { accepts } from './accept-encoding.ts'
import { exportAnswer } from './export-route.ts'
import { PageCache } from './page-cache.ts'
import { answerProblem, problem } from './problem.ts'
import { type ReaderRules, whyNotRead } from './reader-guard.ts'
import { ReadingRoom } from './reading-room.ts'

/** How long a reader waits for batches that were received before it asked. */
const maxWaitForIndexMs = 1_000
/** Exports at once, and of one source: each reads one batch at a time. */
const exportsAtOnce = 2
const exportsEach = 2
/** Records that were left out and are remembered, so that the log names each once. */
const maxNamed = 1_000

const pageQuery = v.object({ lang: v.optional(v.string()), all: v.optional(v.string()) })

export function addReadingRoutes(server: FastifyInstance, collector: Collector, rules: ReaderRules): void {
  const { archive, probes, index, indexer, attempts, networkOf, log, now } = collector
  const pages = new PageCache(() => performance.now())
  const room = new ReadingRoom(exportsAtOnce, exportsEach)
  const named = new Set<string>()
  const leaveOut = (batch: string, n: number) => {
    const name = `${batch} ${n}`
    if (named.has(name) || named.size >= maxNamed) return
    named.add(name)
    log.warn('record_left_out', { batch, n })
  }

  server.get('/api/v1/measurements', async (request, reply) => {
    const refused = whyNotRead(request, reply, rules)
    if (refused !== null) return answerProblem(reply, refused)
    if (index === null) return answerProblem(reply, problem(503, 'no_index', 'The index is not available'))
    const leave = room.enter(sourceOf(request.ip))
    reply.raw.once('close', leave)
    await indexer?.settledWithin(maxWaitForIndexMs)
    const found = exportAnswer(request, reply, {
      reader: new BatchReader(archive),
      index,
      networkOf,
      leaveOut,
    })
    return 'code' in found ? answerProblem(reply, found) : reply.send(found)
  })

  server.get('/', async (request, reply) => {
    const refused = whyNotRead(request, reply, rules)
    if (refused !== null) return answerProblem(reply, refused)
    await indexer?.settledWithin(maxWaitForIndexMs)
    return sendPage(request, reply)
  })

  function sendPage({ query, headers }: FastifyRequest, reply: FastifyReply) {
    const asked = v.safeParse(pageQuery, query)
    const { lang, all } = asked.success ? asked.output : {}
    const language = chooseLanguage(lang, headers['accept-language'])
    const enrolled = probes.all()
    const behind = indexer?.behind ?? 0
    const { setAside } = attempts
    const minute = Math.floor(now() / 60_000)
    const suspected = readSuspected(collector.state)
    const state = JSON.stringify([
      index?.version,
      minute,
      enrolled.length,
      behind,
      setAside.length,
      ...suspected,
    ])
    const page = pages.get(`${language} ${all !== undefined}`, state, () =>
      dashboard({ index, enrolled, behind, setAside, language, all: all !== undefined, now: now() }),
    )
    const isGzip = accepts(headers['accept-encoding'], 'gzip')
    const bytes = isGzip ? page.gzip() : page.text
    reply.raw.once('close', pages.lend(bytes))
    reply.headers({
      'content-security-policy': contentSecurityPolicy,
      'content-language': language,
      vary: 'accept-language, accept-encoding',
      ...(isGzip && { 'content-encoding': 'gzip' }),
    })
    return reply.type('text/html; charset=utf-8').send(bytes)
  }
}
