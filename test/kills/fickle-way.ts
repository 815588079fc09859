// A way to the collector that loses answers, gives them twice, sends requests twice and breaks off in the middle of
// one, by chance but always the same chance. It reads HTTP/1.1 as far as needed to know where a message ends.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What becomes of one request and its answer, and how often. */
const fates = [
  { fate: 'passes', share: 0.55 },
  /** The collector has it; whoever sent it hears nothing. */
  { fate: 'answer_lost', share: 0.15 },
  /** It arrives twice, and so does the receipt. */
  { fate: 'sent_twice', share: 0.15 },
  /** It arrives once, its answer twice. */
  { fate: 'answered_twice', share: 0.05 },
  /** Half of it arrives, and then nothing more. */
  { fate: 'broken_off', share: 0.1 },
] as const
type Fate = (typeof fates)[number]['fate']

export interface FickleWay {
  readonly url: string
  /** Where requests go, a port on loopback; null: nowhere, as when the collector is down. */
  target: number | null
  /** From now on everything passes. */
  mend(): void
  /** Called when the first bytes of a batch are seen. */
  onUpload: () => void
  /** Answers of the collector to batches: stored, held already, and anything else. */
  readonly answers: { stored: number; duplicate: number; other: number }
  readonly fates: Record<Fate, number>
  close(): void
}

export async function openFickleWay(chance: () => number): Promise<FickleWay> {
  const sockets = new Set<Socket>()
  let mended = false
  const server = createServer((client) => {
    hold(client)
    void serve(client).catch(() => client.destroy())
  })
  const hold = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }
  const serve = async (client: Socket) => {
    for await (const request of messages(client, () => false)) {
      const isBatch = request.toString('latin1', 0, 17) === 'POST /v1/batches '
      if (isBatch) way.onUpload()
      const fate = isBatch && !mended ? drawn(chance()) : 'passes'
      way.fates[fate]++
      const answers = await follow(request, fate, isBatch)
      if (answers.length === 0) {
        client.destroy()
        return
      }
      for (const answer of answers) client.write(answer)
    }
    client.end()
  }
  /** @returns The answers to hand on; none when the connection is to break. */
  const follow = async (request: Buffer, fate: Fate, isBatch: boolean): Promise<Buffer[]> => {
    if (fate === 'broken_off') {
      await exchange(request.subarray(0, request.length / 2), isBatch, true)
      return []
    }
    const first = await exchange(request, isBatch)
    if (first === null || fate === 'answer_lost') return []
    if (fate === 'answered_twice') return [first, first]
    if (fate === 'sent_twice') return [first, (await exchange(request, isBatch)) ?? first]
    return [first]
  }
  /** One request on a connection of its own. @returns null when there is no answer. */
  const exchange = async (request: Buffer, isBatch: boolean, breakOff = false): Promise<Buffer | null> => {
    if (way.target === null) return null
    const upstream = connect(way.target, '127.0.0.1')
    hold(upstream)
    try {
      if (breakOff) upstream.end(request)
      else upstream.write(request)
      const isHead = request.toString('latin1', 0, 5) === 'HEAD '
      for await (const answer of messages(upstream, () => isHead)) {
        // Interim answers are not passed on, as by many proxies.
        if (isInterim(answer)) continue
        if (isBatch) count(answer)
        return answer
      }
      return null
    } catch {
      // The collector died.
      return null
    } finally {
      upstream.destroy()
    }
  }
  const count = (answer: Buffer) => {
    const status = answer.toString('latin1', 9, 12)
    if (status === '201') way.answers.stored++
    else if (status === '200') way.answers.duplicate++
    else way.answers.other++
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const way: FickleWay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: null,
    mend() {
      mended = true
    },
    onUpload: () => {},
    answers: { stored: 0, duplicate: 0, other: 0 },
    fates: { passes: 0, answer_lost: 0, sent_twice: 0, answered_twice: 0, broken_off: 0 },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
  return way
}

function isInterim(answer: Buffer): boolean {
  return answer.toString('latin1', 9, 10) === '1'
}

function drawn(point: number): Fate {
  let left = point
  for (const { fate, share } of fates) {
    if (left < share) return fate
    left -= share
  }
  return 'passes'
}

/** Whole messages as they come: a head, and as many bytes as its Content-Length says, which all of ours have. */
async function* messages(socket: Socket, bodiless: () => boolean): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0)
  for await (const chunk of socket) {
    held = Buffer.concat([held, chunk])
    for (let end = endOf(held, bodiless()); end !== null; end = endOf(held, bodiless())) {
      yield held.subarray(0, end)
      held = held.subarray(end)
    }
  }
}

/** @returns Where the first message ends; null when more is to come. */
function endOf(bytes: Buffer, bodiless: boolean): number | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const length = /^content-length: *(\d+)/im.exec(bytes.toString('latin1', 0, headEnd))?.[1] ?? '0'
  const end = headEnd + 4 + (bodiless ? 0 : Number(length))
  return end <= bytes.length ? end : null
}
