// A box on the way: hands on bytes, looks at where requests begin, and is rude. As a program: address, port, port behind,
// manner, milliseconds for which it is rude; 0: always.

import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { type AnswerManner, answerManners, rewriting } from './rude-answers.ts'

/** What a box says to the head of a request in place of handing it on; null: it hands it on. */
export type Manner = (head: string) => string | null

const refusal = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
export const portalPage =
  'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\n<html>Log in</html>'

export const manners = {
  none: () => null,
  'no PATCH': (head) => (head.startsWith('PATCH ') ? refusal('405 Method Not Allowed') : null),
  'one request': (head) => (/^(PATCH|POST \/v1\/uploads)/.test(head) ? refusal('403 Forbidden') : null),
  'small bodies': (head) => (bodyBytes(head) > 10_000 ? refusal('413 Content Too Large') : null),
  portal: () => portalPage,
  'answers 503': () => refusal('503 Service Unavailable'),
  'no questions': (head) => (isQuestion(head) ? refusal('403 Forbidden') : null),
  'page for a question': (head) => (isQuestion(head) ? portalPage : null),
  'hangs up on questions': (head) => (isQuestion(head) ? '' : null),
  'page for a further part': (head) => (isFurtherPart(head) ? portalPage : null),
  'other offsets': (head) => (isFurtherPart(head) ? otherOffset(head) : null),
} as const satisfies Record<string, Manner>

const isQuestion = (head: string) => /^GET \/v1\/batches\/\w+\/receipt /.test(head)
const isFurtherPart = (head: string) => /^POST \/v1\/uploads\//.test(head)

/** A collector's refusal in form, with an offset that is never the one that was used. */
function otherOffset(head: string): string {
  const used = Number(/upload-offset: (\d+)/i.exec(head)?.[1] ?? 0)
  const body = JSON.stringify({ status: 409, title: 'No', detail: 'no', code: 'offset_mismatch' })
  return [
    'HTTP/1.1 409 Conflict',
    'Content-Type: application/problem+json',
    `Upload-Offset: ${Math.max(0, used - 1)}`,
    `Content-Length: ${body.length}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

export function bodyBytes(head: string): number {
  return Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
}

export interface Behind {
  readonly host: string
  readonly port: number
}

/** Listens, and hands on what the manner lets through. */
export function openBox(
  at: Behind,
  behind: Behind,
  manner: Manner,
  answers: AnswerManner | null = null,
): Promise<Server> {
  const server = createServer((client) => {
    const upstream = dial(behind.port, behind.host)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    client.on('data', (chunk) => {
      const head = /^(GET|HEAD|POST|PATCH|PUT) \S+ HTTP/.test(chunk.toString('latin1', 0, 200))
      const said = head ? manner(chunk.toString('latin1')) : null
      if (said === null) return handOn(chunk, upstream, client)
      // What is left of the body is read, as such boxes do, and is nobody's.
      client.removeAllListeners('data').resume()
      client.end(said)
    })
    const through = answers === null ? (chunk: Buffer) => chunk : rewriting(answers)
    upstream.on('data', (chunk) => handOn(through(chunk), client, upstream))
  })
  return new Promise((resolve) => server.listen(at.port, at.host, () => resolve(server)))
}

function handOn(chunk: Buffer, to: Socket, from: Socket): void {
  if (to.writable && !to.write(chunk)) {
    from.pause()
    to.once('drain', () => from.resume())
  }
}

/** Is rude for a while from the first request on. */
function forAWhile(manner: Manner, ms: number): Manner {
  let firstMs: number | null = null
  return (head) => {
    firstMs ??= performance.now()
    return ms === 0 || performance.now() - firstMs < ms ? manner(head) : null
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , host = '', port = '', behind = '', name = 'none', ms = '0'] = process.argv
  const answers = answerManners[name as keyof typeof answerManners] ?? null
  const manner = forAWhile(manners[name as keyof typeof manners] ?? manners.none, Number(ms))
  await openBox({ host, port: Number(port) }, { host, port: Number(behind) }, manner, answers)
  process.stdout.write('ready\n')
}
