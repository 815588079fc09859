// Which lists each probe measured by when it sealed the batch that was received last: for the coordinator who wants to know who has a
// new list, and who not yet (tests-spec/lists/publishing.md).

import type { FastifyInstance } from 'fastify'
import type { Collector } from '../collector.ts'
import { answerProblem, problem } from './problem.ts'
import { type ReaderRules, whyNotRead } from './reader-guard.ts'

/** How long a reader waits for batches that were received before it asked. */
const maxWaitForIndexMs = 1_000

export function addListsSeenRoute(
  server: FastifyInstance,
  { index, indexer, probes }: Pick<Collector, 'index' | 'indexer' | 'probes'>,
  rules: ReaderRules,
): void {
  server.get('/api/v1/lists-seen', async (request, reply) => {
    const refused = whyNotRead(request, reply, rules)
    if (refused !== null) return answerProblem(reply, refused)
    if (index === null) return answerProblem(reply, problem(503, 'no_index', 'The index is not available'))
    await indexer?.settledWithin(maxWaitForIndexMs)
    const heard = new Map(index.probes().map((row) => [row.device, row]))
    return {
      probes: probes.all().map(({ device }) => {
        const row = heard.get(device)
        const receivedAt = row === undefined ? null : new Date(row.lastReceivedAt).toISOString()
        return { device, received_at: receivedAt, revoked: probes.isRevoked(device), lists: row?.lists ?? {} }
      }),
    }
  })
}
