// The lists of devices: a mirror of what is published, and the place where a coordinator sends something new
// (tests-spec/lists/publishing.md). Lists are public, and so is who may send them: what is not signed by the right keys is refused.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { listsMediaType, maxListsBytes } from '../../tests-spec/lists/lists-upload.ts'
import type { Collector } from '../collector.ts'
import { Refused } from '../intake/refusal.ts'
import { sourceOf } from '../source-of.ts'
import { TokenBuckets } from '../test-helper/token-buckets.ts'
import { answerProblem, problem } from './problem.ts'
import { ReadingRoom } from './reading-room.ts'

/** Bodies of 16 MiB in memory at once, and of one network: they are looked at one by one. */
const bodiesAtOnce = 2
const bodiesEach = 1
const prefix = '/v1/lists/'

export function addListsRoutes(server: FastifyInstance, { lists }: Pick<Collector, 'lists'>): void {
  const places = new ReadingRoom(bodiesAtOnce, bodiesEach)
  const buckets = new TokenBuckets()

  // Fastify answers HEAD by GET.
  for (const folder of ['metadata', 'targets'] as const)
    server.get(`${prefix}${folder}/*`, async (request, reply) => {
      const name = nameIn(request.raw.url ?? '')
      const file = name === null ? null : (lists?.get(name) ?? null)
      if (file === null || name === null)
        return answerProblem(reply, problem(404, 'not_found', 'There is no such file of lists'))
      return sendFile(request, reply, name, file)
    })

  server.register(async (scope) => {
    scope.addContentTypeParser(
      listsMediaType,
      { parseAs: 'buffer', bodyLimit: maxListsBytes },
      async (_: FastifyRequest, body: Buffer) => body,
    )
    // Before the body is read.
    const onRequest = async ({ ip }: FastifyRequest, reply: FastifyReply) => {
      if (lists === null) return
      if (buckets.take(ip, performance.now()) > 0)
        throw new Refused('busy', 'Lists were sent too often from there')
      const leave = places.enter(sourceOf(ip))
      reply.raw.once('close', leave)
    }
    scope.post('/v1/lists', { onRequest }, async ({ body }, reply) => {
      if (lists === null)
        return answerProblem(reply, problem(404, 'no_lists', 'This collector publishes no lists'))
      if (!Buffer.isBuffer(body))
        return answerProblem(reply, problem(415, 'wrong_type', `Expected ${listsMediaType}`))
      return { versions: await lists.take(body) }
    })
  })
}

function sendFile(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  name: string,
  { bytes, sha256 }: { readonly bytes: Uint8Array; readonly sha256: string },
): FastifyReply {
  const etag = `"${sha256}"`
  // What has a version or a digest in its name never changes. A box on the way must hand the very bytes on.
  const isFixed = name !== 'metadata/timestamp.json'
  reply.headers({
    etag,
    'cache-control': isFixed ? 'public, max-age=31536000, immutable, no-transform' : 'no-cache, no-transform',
  })
  const known = (headers['if-none-match'] ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''))
  if (known.includes(etag) || known.includes('*')) return reply.code(304).send()
  const type = name.startsWith('metadata/') ? 'application/json' : 'application/octet-stream'
  return reply.type(type).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

/** @returns As a repository names it: a role percent-encoded whole, a target's path as it is; null for what is no name. */
function nameIn(url: string): string | null {
  const [path = ''] = url.slice(prefix.length).split('?')
  const slash = path.indexOf('/')
  const [folder, rest] = [path.slice(0, slash), path.slice(slash + 1)]
  try {
    return folder === 'metadata'
      ? `metadata/${encodeURIComponent(decodeURIComponent(rest))}`
      : `targets/${rest.split('/').map(decodeURIComponent).join('/')}`
  } catch {
    return null
  }
}
