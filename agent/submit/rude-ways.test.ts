// Ways on which something answers in the collector's place: questions that are kept back, pages in place of refusals, offsets
// that are not the collector's. A real collector behind real boxes: everything arrives within one attempt, what was learnt
// is remembered, and what is a portal gets little.

import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyBytes, type Manner, openBox, portalPage } from '../../test/delivery/box.ts'
import { type AnswerManner, answerManners } from '../../test/delivery/rude-answers.ts'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { closeDevices, folder, type StickDevice, stickDevice } from '../../test/support/stick-device.ts'
import { type Endpoint, endpointId } from '../../tests-spec/protocol/endpoint.ts'
import { carry } from '../stick/carry.ts'
import { Stick } from '../stick/stick.ts'
import { forwardSealed } from './forward-sealed.ts'
import { uploadBacklog } from './upload-backlog.ts'
import { Uplink } from './ways/uplink.ts'
import { nothingRemembered, type Remembered } from './ways/way-memory.ts'

let collector: SampleCollector
let probe: StickDevice
const boxes: Server[] = []
beforeAll(async () => {
  collector = await SampleCollector.start()
})
afterAll(() => collector.remove())
beforeEach(async () => {
  probe = await stickDevice(collector)
})
afterEach(async () => {
  for (const box of boxes.splice(0)) box.close()
  await closeDevices()
})

const dead: Endpoint = { kind: 'collector', url: 'http://127.0.0.1:1' }
const never = new AbortController().signal

interface Box {
  readonly endpoint: Endpoint
  /** First lines of the requests that came. */
  readonly asked: string[]
  /** Bytes of bodies that came, as the requests say. */
  bodies(): number
}

async function boxWith(manner: Manner, answers: AnswerManner | null = null): Promise<Box> {
  const { hostname, port } = new URL(collector.url)
  const heads: string[] = []
  const noting: Manner = (head) => {
    heads.push(head)
    return manner(head)
  }
  const behind = { host: hostname, port: Number(port) }
  const server = await openBox({ host: '127.0.0.1', port: 0 }, behind, noting, answers)
  boxes.push(server)
  const endpoint: Endpoint = {
    kind: 'collector',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  }
  return {
    endpoint,
    get asked() {
      return heads.map((head) => head.split(' HTTP')[0] ?? '')
    },
    bodies: () => heads.reduce((sum, head) => sum + bodyBytes(head), 0),
  }
}

/** Hands on everything but questions, which it lets go nowhere. */
async function swallowingQuestions(): Promise<Endpoint> {
  const { hostname, port } = new URL(collector.url)
  const server = createServer((client) => {
    client.on('error', () => {})
    client.once('data', (first) => {
      if (isQuestion(first.toString('latin1'))) return void client.resume()
      const upstream = connect(Number(port), hostname)
      upstream.on('error', () => client.destroy())
      client.on('close', () => upstream.destroy())
      upstream.write(first)
      client.pipe(upstream).pipe(client)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  boxes.push(server)
  return { kind: 'collector', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A way memory as the file is, in memory. */
function memoryOf(begin: Remembered = nothingRemembered) {
  let kept = begin
  return {
    read: async () => kept,
    write: async (remembered: Remembered) => {
      kept = remembered
    },
  }
}

const uplinkOver = (endpoints: readonly Endpoint[], memory = memoryOf()) =>
  Uplink.open({
    ...probe.collector,
    endpoints,
    memory,
    now: () => performance.now(),
    chance: () => 0.5,
    spreadMs: 0,
  })
const upload = async (endpoints: readonly Endpoint[], memory = memoryOf()) =>
  uploadBacklog(probe.spool, await uplinkOver(endpoints, memory), never)

const said = (status: string, body = '', ...fields: readonly string[]) =>
  [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${body.length}`, 'Connection: close', '', body].join(
    '\r\n',
  )
const problemOf = (code: string) => JSON.stringify({ status: 400, title: 'No', detail: 'no', code })
const endless = said('200 OK', '<p>'.repeat(30_000), 'Content-Type: text/html')
const isQuestion = (head: string) => head.startsWith('GET /v1/batches/')
const isFurther = (head: string) => head.startsWith('POST /v1/uploads/')
const isOfSealedPart = (head: string) => head.startsWith('POST /v1/sealed/')
const only =
  (which: (head: string) => boolean, answer: string | ((head: string) => string)): Manner =>
  (head) =>
    which(head) ? (typeof answer === 'string' ? answer : answer(head)) : null
const offsetIn = (head: string) => Number(/upload-offset: (\d+)/i.exec(head)?.[1] ?? 0)
const through: Manner = () => null

describe('a question that is not answered as a collector does', () => {
  const rows: readonly [what: string, manner: Manner, answers: AnswerManner | null][] = [
    ['is refused with 403', only(isQuestion, said('403 Forbidden', 'No')), null],
    ['is refused with 451', only(isQuestion, said('451 Unavailable', 'No')), null],
    ['is refused with 500', only(isQuestion, said('500 Oops')), null],
    ['leads elsewhere', only(isQuestion, said('302 Found', '', 'Location: http://192.0.2.1/')), null],
    ['gets a page', only(isQuestion, portalPage), null],
    ['gets a page that is too long', only(isQuestion, endless), null],
    ['gets no content', only(isQuestion, 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'), null],
    ['is hung up on', only(isQuestion, ''), null],
    ['gets twice the same length', only(isQuestion, said('404 No', '', 'Content-Length: 0')), null],
    ['gets what is no HTTP', only(isQuestion, 'ICY 200 OK\r\n\r\n'), null],
    ['gets a field that has a blank in its name', only(isQuestion, said('403 No', '', 'X Y: z')), null],
    ['gets a page in place of the problem', through, answerManners['pages for errors']],
    ['gets a page in place of a 404', through, answerManners['page for a 404']],
  ]
  it.each(rows)('keeps no batch back when it %s', async (_, manner, answers) => {
    await probe.batches(3, 30_000)
    const box = await boxWith(manner, answers)
    const memory = memoryOf()
    expect(await upload([box.endpoint, dead], memory)).toMatchObject({ accepted: 3, reason: null })
    // One was enough, and the next process knows it, also of a way that is not the last good one any more.
    expect(box.asked.filter(isQuestion)).toHaveLength(1)
    await probe.batches(1, 30_000)
    const kept = memoryOf({ ...(await memory.read()), lastGood: null })
    expect(await upload([box.endpoint, dead], kept)).toMatchObject({ accepted: 1, reason: null })
    expect(box.asked.filter(isQuestion)).toHaveLength(1)
  })

  it('is understood when it is packed on the way', async () => {
    await probe.batches(2, 30_000)
    const box = await boxWith(through, answerManners.packs)
    expect(await upload([box.endpoint, dead])).toMatchObject({ accepted: 2, reason: null })
    expect(box.asked.filter(isQuestion)).toHaveLength(1)
  })

  it('is left out once after it was swallowed', async () => {
    await probe.batches(1, 30_000)
    const swallowing = await swallowingQuestions()
    const memory = memoryOf()
    expect(await upload([swallowing, dead], memory)).toMatchObject({ accepted: 0, deferred: 1 })
    expect(await upload([swallowing, dead], memory)).toMatchObject({ accepted: 1, reason: null })
  })

  it('and a body that is not either: a portal gets less than 2 kB, and the next way all', async () => {
    await probe.batches(3, 30_000)
    for (const answer of [portalPage, said('403 Forbidden', 'No'), said('302 Found'), endless, '']) {
      const portal = await boxWith(() => answer)
      const summary = await upload([portal.endpoint, dead])
      expect(summary).toMatchObject({ accepted: 0, deferred: 3 })
      expect(portal.bodies()).toBeLessThan(answer === '' ? 8_000 : 2_000)
    }
    const portal = await boxWith(() => portalPage)
    const good = await boxWith(through)
    expect(await upload([portal.endpoint, good.endpoint])).toMatchObject({ accepted: 3, reason: null })
    expect(portal.bodies()).toBeLessThan(2_000)
  })

  it('nor one of a way that has proven itself', async () => {
    const box = await boxWith(through, answerManners['pages for errors'])
    const memory = memoryOf()
    await probe.batches(1, 30_000)
    expect(await upload([box.endpoint, dead], memory)).toMatchObject({ accepted: 1 })
    await probe.batches(2, 30_000)
    const ids = probe.spool.pending().map(({ id }) => id)
    const uplink = await Uplink.open({
      ...probe.collector,
      endpoints: [box.endpoint, dead],
      memory,
      now: () => performance.now(),
      chance: () => 0.5,
      spreadMs: 0,
      maybeOffered: ids,
    })
    expect(await uploadBacklog(probe.spool, uplink, never)).toMatchObject({ accepted: 2, reason: null })
  })
})

const wrongAnswers: readonly [
  what: string,
  manner: (which: (head: string) => boolean) => Manner,
  answers?: AnswerManner | null,
][] = [
  ['a page', (which) => only(which, portalPage)],
  ['a page that is too long', (which) => only(which, endless)],
  ['a redirect', (which) => only(which, said('301 Moved', '', 'Location: http://192.0.2.1/'))],
  ['401', (which) => only(which, said('401 Unauthorized', 'Who?', 'WWW-Authenticate: Basic'))],
  ['404 and a page', (which) => only(which, said('404 Not Found', '<p>'))],
  ['404 for ever', (which) => only(which, said('404 Not Found', problemOf('no_upload')))],
  ['410', (which) => only(which, said('410 Gone', 'Gone'))],
  ['204 without an offset', (which) => only(which, 'HTTP/1.1 204 No\r\nConnection: close\r\n\r\n')],
  [
    '204 with an offset beyond the end',
    (which) => only(which, 'HTTP/1.1 204 No\r\nUpload-Offset: 99999999999999\r\nConnection: close\r\n\r\n'),
  ],
  [
    'an offset that is lower each time',
    (which) =>
      only(which, (head) => {
        const lower = Math.max(0, offsetIn(head) - 1)
        return `HTTP/1.1 204 No\r\nUpload-Offset: ${lower}\r\nConnection: close\r\n\r\n`
      }),
  ],
  [
    '409 with another offset each time',
    (which) =>
      only(which, (head) =>
        said(
          '409 Conflict',
          problemOf('offset_mismatch'),
          `Upload-Offset: ${Math.max(0, offsetIn(head) - 1)}`,
        ),
      ),
  ],
  [
    '409 with the offset that it had',
    (which) =>
      only(which, (head) =>
        said('409 Conflict', problemOf('offset_mismatch'), `Upload-Offset: ${offsetIn(head)}`),
      ),
  ],
  ['offsets that are too high', () => through, answerManners['offsets too high']],
]

describe('what goes on from a part', () => {
  it.each(wrongAnswers)('and gets %s makes the batch go whole', async (_, manner, answers = null) => {
    await probe.batches(3, 30_000)
    const box = await boxWith(manner(isFurther), answers)
    const memory = memoryOf()
    expect(await upload([box.endpoint], memory)).toMatchObject({ accepted: 3, reason: null })
    const tries = box.asked.filter(isFurther).length
    expect(tries).toBeLessThanOrEqual(4)
    // The next process begins with that.
    await probe.batches(1, 30_000)
    expect(await upload([box.endpoint], memory)).toMatchObject({ accepted: 1, reason: null })
    expect(box.asked.filter(isFurther)).toHaveLength(tries)
  })

  it('and gets a page, where questions get one too', async () => {
    await probe.batches(3, 30_000)
    const box = await boxWith((head) => (isQuestion(head) || isFurther(head) ? portalPage : null))
    expect(await upload([box.endpoint, dead])).toMatchObject({ accepted: 3, reason: null })
  })
})

describe('a part of a sealed file', () => {
  it.each(wrongAnswers)('that gets %s makes the file go whole', async (_, manner, answers = null) => {
    await probe.batches(2, 30_000)
    const stick = folder('stick')
    await probe.export(stick)
    const carrier = await stickDevice(collector)
    await carry(Stick.open(stick), carrier.carried, await carrier.ledger())
    const box = await boxWith(manner(isOfSealedPart), answers)
    const memory = memoryOf({ lastGood: endpointId(box.endpoint), ways: new Map() })
    const uplink = await uplinkOver([box.endpoint], memory)
    expect(await forwardSealed(carrier.carried, uplink, never)).toMatchObject({
      brought: 1,
      refused: 0,
      reason: null,
    })
    const tries = box.asked.filter(isOfSealedPart).length
    expect(tries).toBeLessThanOrEqual(5)
    expect([...(await memory.read()).ways.values()][0]?.form.sealedWhole).toBe(true)
  })

  it('goes to a portal in one request at most, where no receipt has come from there', async () => {
    await probe.batches(2, 30_000)
    const stick = folder('stick')
    await probe.export(stick)
    const carrier = await stickDevice(collector)
    await carry(Stick.open(stick), carrier.carried, await carrier.ledger())
    const portal = await boxWith(() => portalPage)
    const good = await boxWith(through)
    const uplink = await uplinkOver([portal.endpoint, good.endpoint])
    expect(await forwardSealed(carrier.carried, uplink, never)).toMatchObject({ brought: 1, reason: null })
    expect(portal.bodies()).toBeLessThanOrEqual(4 * 1024)
  })
})

describe('larger bodies than some', () => {
  const larger = (head: string) => head.startsWith('POST /v1/') && bodyBytes(head) > 6_000
  it.each([
    ['get a page', portalPage],
    ['get a 500', said('500 Oops')],
    ['get a 502', said('502 Bad Gateway')],
    ['get a 503', said('503 Busy')],
  ])('%s, and go in smaller parts from then on', async (_, answer) => {
    await probe.batches(3, 30_000)
    const box = await boxWith(only(larger, answer))
    const memory = memoryOf()
    const first = await upload([box.endpoint], memory)
    const second = await upload([box.endpoint], memory)
    expect(first.accepted + second.accepted).toBe(3)
    expect(box.bodies()).toBeLessThan(2 * 90_000)
  })

  it('are changed on the way, and small ones are not: what looks into bodies leaves many of those alone', async () => {
    await probe.batches(2, 30_000)
    const { endpoint, passed } = await changing(9_000)
    const memory = memoryOf()
    let accepted = 0
    for (let attempt = 0; attempt < 3; attempt++) accepted += (await upload([endpoint], memory)).accepted
    expect(accepted).toBe(2)
    expect(passed()).toBeLessThan(3 * 60_000)
  })
})

/** Changes the last byte of every body of more than `bytes`. */
async function changing(bytes: number) {
  const { hostname, port } = new URL(collector.url)
  let passed = 0
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).pipe(client)
    let waiting = Buffer.alloc(0)
    client.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk])
      for (let end = waiting.indexOf('\r\n\r\n'); end >= 0; end = waiting.indexOf('\r\n\r\n')) {
        const size = end + 4 + bodyBytes(waiting.toString('latin1', 0, end))
        if (waiting.length < size) return
        const request = Buffer.from(waiting.subarray(0, size))
        waiting = waiting.subarray(size)
        passed += size
        if (size - end > bytes) request.writeUInt8((request.at(-1) ?? 0) ^ 1, size - 1)
        upstream.write(request)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  boxes.push(server)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const endpoint: Endpoint = { kind: 'collector', url }
  return { endpoint, passed: () => passed }
}
