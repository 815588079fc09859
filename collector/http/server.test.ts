// Intake over HTTP, against the files it leaves: what is taken in, what is refused, and that a refusal leaves nothing.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, SampleCollector } from '../../test/support/sample-collector.ts'
import { type SampleBatch, SampleProbe, sampleMeasurement } from '../../test/support/sample-probe.ts'
import { batchMediaType, type Manifest, verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { onlyKey } from '../../tests-spec/protocol/dsse.ts'
import { lastingCodes, openRefusal } from '../../tests-spec/protocol/refusal.ts'

let collector: SampleCollector
let probe: SampleProbe

beforeEach(async () => {
  collector = await SampleCollector.start()
  probe = new SampleProbe()
  await collector.enrol(probe)
})

afterEach(() => collector.remove())

/** The code of a refusal, after checking that it has the form of one. */
/** @returns The signed word in a problem, checked with the collector's key; null where there is none. */
function refusalIn({ body }: Answer) {
  const { signed } = JSON.parse(body.toString())
  if (signed === undefined) return null
  return openRefusal(Buffer.from(JSON.stringify(signed)), onlyKey(collector.collector.key))
}

function codeOf({ headers, body, status }: Answer): string {
  expect(headers.get('content-type')).toBe('application/problem+json')
  const problem = JSON.parse(body.toString())
  expect(problem).toMatchObject({ type: `urn:sonde:problem:${problem.code}`, status })
  expect(problem.title).not.toBe('')
  return problem.code
}

function batchFile({ id }: SampleBatch): string {
  return join(collector.state, 'batches', id.slice(0, 2), `${id}.psb`)
}

function receiptFile({ id }: SampleBatch): string {
  return join(collector.state, 'batches', id.slice(0, 2), `${id}.receipt.json`)
}

describe('POST /v1/batches', () => {
  it('keeps a batch as it came and answers 201 with a receipt for it', async () => {
    const batch = probe.next()
    const answer = await collector.postBatch(batch)
    expect(answer.status).toBe(201)
    expect(collector.receiptIn(answer)).toEqual({
      v: 1,
      batch: batch.id,
      device: probe.device,
      epoch: probe.epoch,
      seq: 0,
      status: 'stored',
      reason: null,
      at: collector.now,
      collector: collector.collector.key.id,
      contiguous: 0,
      missing: [],
      nextAfterS: 0,
      recipient: collector.collector.recipient,
    })
    expect(await readFile(batchFile(batch))).toEqual(batch.bytes)
    expect(await readFile(receiptFile(batch))).toEqual(answer.body)
  })

  it('answers a duplicate with 200 and the same receipt to the byte, and writes nothing', async () => {
    const batch = probe.next()
    const first = await collector.postBatch(batch)
    const before = await collector.tree()
    collector.now += 60_000
    const second = await collector.postBatch(batch)
    expect(second.status).toBe(200)
    expect(second.body).toEqual(first.body)
    expect(await collector.tree()).toEqual(before)
  })

  it('takes batches in any order and names what is missing', async () => {
    const [a, b, c, d] = [probe.next(), probe.next(), probe.next(), probe.next()]
    const receipts = []
    for (const batch of [d, b, c, a]) receipts.push(collector.receiptIn(await collector.postBatch(batch)))
    expect(receipts.map(({ contiguous, missing }) => ({ contiguous, missing }))).toEqual([
      { contiguous: null, missing: [[0, 2]] },
      {
        contiguous: null,
        missing: [
          [0, 0],
          [2, 2],
        ],
      },
      { contiguous: null, missing: [[0, 0]] },
      { contiguous: 3, missing: [] },
    ])
  })

  it('goes on with the chain after a restart', async () => {
    const [a, b, c] = [probe.next(), probe.next(), probe.next()]
    await collector.postBatch(a)
    await collector.postBatch(b)
    await collector.restart()
    const answer = await collector.postBatch(c)
    expect(collector.receiptIn(answer)).toMatchObject({ seq: 2, contiguous: 2, missing: [] })
    expect((await collector.postBatch(a)).status).toBe(200)
    expect(collector.logged.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('begins a chain of its own for each epoch', async () => {
    await collector.postBatch(probe.next())
    probe.epoch = 'fedcba9876543210fe'
    const answer = await collector.postBatch(probe.next())
    expect(collector.receiptIn(answer)).toMatchObject({ epoch: probe.epoch, seq: 0, contiguous: 0 })
  })

  it.each(['at once', 'after a restart'])('signs again when a crash took the receipt, %s', async (when) => {
    const batch = probe.next()
    await collector.postBatch(batch)
    await rm(receiptFile(batch))
    if (when === 'after a restart') await collector.restart()
    const answer = await collector.postBatch(batch)
    expect(answer.status).toBe(200)
    expect(collector.receiptIn(answer)).toMatchObject({ batch: batch.id, status: 'stored', contiguous: 0 })
    expect(await readFile(receiptFile(batch))).toEqual(answer.body)
  })

  it('gives posts of one batch at the same moment one receipt', async () => {
    const batch = probe.next()
    const answers = await Promise.all(Array.from({ length: 20 }, () => collector.postBatch(batch)))
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201])
    expect(new Set(answers.map(({ body }) => body.toString())).size).toBe(1)
  })

  it('takes one of several contents that claim one seq at the same moment', async () => {
    const rivals = Array.from({ length: 10 }, (_, i) =>
      probe.after(null, [sampleMeasurement({ input: `https://${i}.test/` })]),
    )
    const answers = await Promise.all(rivals.map((each) => collector.postBatch(each)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)])
    const psb = Object.keys(await collector.tree()).filter((path) => /^batches.*\.psb$/.test(path))
    expect(psb).toHaveLength(1)
  })

  it('takes a whole chain that is posted at once', async () => {
    const batches = Array.from({ length: 30 }, () => probe.next())
    const answers = await Promise.all(batches.map((batch) => collector.postBatch(batch)))
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(201))
    const last = Math.max(...answers.map((answer) => collector.receiptIn(answer).contiguous ?? -1))
    expect(last).toBe(29)
  })

  it('takes the largest batch there can be', async () => {
    const payload = Buffer.alloc(8 * 1024 * 1024, 7)
    const answer = await collector.postBatch(probe.batchOf(null, Buffer.alloc(0), payload))
    expect(answer.status).toBe(201)
  })

  it('signs for a brotli bomb without opening it', async () => {
    const bomb = brotliCompressSync(Buffer.alloc(64 * 1024 * 1024))
    const answer = await collector.postBatch(probe.batchOf(null, Buffer.from('{}\n'), bomb))
    expect(answer.status).toBe(201)
  })
})

interface Refusal {
  readonly what: string
  readonly make: () => Uint8Array | Promise<Uint8Array>
  readonly type?: string
  readonly status: number
  readonly code: string
}

const flip = (bytes: Uint8Array, at: number) => {
  const flipped = Buffer.from(bytes)
  flipped[at] = (flipped[at] ?? 0) ^ 1
  return flipped
}
const framed = (envelopeBytes: number, rest: Uint8Array) => {
  const head = Buffer.from('PSB1\0\0\0\0')
  head.writeUInt32BE(envelopeBytes, 4)
  return Buffer.concat([head, rest])
}
const withManifest = (change: (manifest: Manifest) => object) =>
  probe.after(null, [sampleMeasurement()], (m) => change(m) as Manifest).bytes
const held = async () => {
  const batch = probe.next()
  await collector.postBatch(batch)
  return batch
}
const otherDigest = 'ab'.repeat(32)

describe('POST /v1/batches refuses, and leaves every file as it was,', () => {
  const refusals: readonly Refusal[] = [
    { what: 'garbage', make: () => Buffer.from('not a batch at all'), status: 400, code: 'not_a_batch' },
    { what: 'an empty body', make: () => Buffer.alloc(0), status: 400, code: 'truncated' },
    { what: 'half a head', make: () => Buffer.from('PSB1'), status: 400, code: 'truncated' },
    {
      what: 'a batch cut in its envelope',
      make: () => probe.next().bytes.subarray(0, 200),
      status: 400,
      code: 'truncated',
    },
    {
      what: 'a batch cut in its payload',
      make: () => probe.next().bytes.subarray(0, -1),
      status: 400,
      code: 'truncated',
    },
    {
      what: 'a byte after the payload',
      make: () => Buffer.concat([probe.next().bytes, Buffer.from('x')]),
      status: 400,
      code: 'trailing_bytes',
    },
    {
      what: 'an envelope of 65,537 bytes',
      make: () => framed(65_537, Buffer.alloc(65_537)),
      status: 413,
      code: 'too_large',
    },
    {
      what: 'an envelope that claims 4 GB',
      make: () => framed(0xffffffff, Buffer.alloc(9)),
      status: 413,
      code: 'too_large',
    },
    {
      what: 'one byte more than a batch can have',
      make: () => Buffer.alloc(8 + 65_536 + 8 * 1024 * 1024 + 1),
      status: 413,
      code: 'too_large',
    },
    {
      what: 'an envelope that is not JSON',
      make: () => framed(4, Buffer.from('{"a"')),
      status: 400,
      code: 'bad_envelope',
    },
    {
      what: 'a flipped bit in the signature',
      make: () => {
        const { bytes } = probe.next()
        const at = bytes.indexOf('"sig":"') + 20
        const flipped = Buffer.from(bytes)
        flipped.write(bytes.toString('latin1', at, at + 1) === 'A' ? 'B' : 'A', at)
        return flipped
      },
      status: 403,
      code: 'bad_signature',
    },
    {
      what: 'a batch of a probe that is not enrolled',
      make: () => new SampleProbe().next([sampleMeasurement()], (m) => ({ ...m, prev: otherDigest })).bytes,
      status: 401,
      code: 'unknown_key',
    },
    {
      what: "a batch signed by one probe in another's name",
      make: async () => {
        const other = new SampleProbe()
        await collector.enrol(other)
        // The envelope names the signer, the manifest in it someone else.
        const forged = probe.after(null, [], (m) => ({ ...m, device: other.device })).bytes.toString('latin1')
        const keyIdOfOther = `"keyid":"${other.device}"`
        return Buffer.from(forged.replace(keyIdOfOther, `"keyid":"${probe.device}"`), 'latin1')
      },
      status: 400,
      code: 'device_mismatch',
    },
    {
      what: 'a flipped bit in the payload',
      make: () => {
        const { bytes } = probe.next()
        return flip(bytes, bytes.length - 3)
      },
      status: 400,
      code: 'payload_mismatch',
    },
    {
      what: 'a manifest without a field',
      make: () => withManifest(({ time, ...m }) => m),
      status: 400,
      code: 'bad_manifest',
    },
    {
      what: 'a seq that no number can hold exactly',
      make: () => withManifest((m) => ({ ...m, seq: 2 ** 53 })),
      status: 400,
      code: 'bad_manifest',
    },
    {
      what: 'a first batch that does not follow the enrolment',
      make: () => withManifest((m) => ({ ...m, prev: otherDigest })),
      status: 409,
      code: 'chain_broken',
    },
    {
      what: 'a batch that names another before it than the one held',
      make: async () => probe.after(await held(), [], (m) => ({ ...m, prev: otherDigest })).bytes,
      status: 409,
      code: 'chain_broken',
    },
    {
      what: 'a batch that the one held after it does not name',
      make: async () => {
        const first = probe.next()
        await collector.postBatch(probe.next())
        return probe.after(null, [sampleMeasurement({ input: 'https://other.test/' })], (m) => ({
          ...m,
          seq: first.manifest.seq,
        })).bytes
      },
      status: 409,
      code: 'chain_broken',
    },
    {
      what: 'JSON',
      make: () => Buffer.from('{}'),
      type: 'application/json',
      status: 415,
      code: 'wrong_type',
    },
    {
      what: 'a good batch under a wrong type',
      make: () => probe.next().bytes,
      type: 'text/plain',
      status: 415,
      code: 'wrong_type',
    },
  ]

  it.each(refusals)('$what: $status $code', async ({ make, type, status, code }) => {
    const body = await make()
    const before = await collector.tree()
    const answer = await collector.post('/v1/batches', type ?? batchMediaType, body)
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status, code })
    // Signed is what stays true of a batch by an enrolled probe, and nothing that the way may have done to its bytes.
    expect(refusalIn(answer)?.code ?? null).toBe(lastingCodes.has(code) ? code : null)
    expect(await collector.tree()).toEqual(before)
    // The next honest batch finds the collector as it was.
    expect(collector.logged.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('another content for a seq that is held: 409 seq_conflict, with a copy kept and an alarm', async () => {
    const first = await held()
    const rival = probe.after(null, [sampleMeasurement({ input: 'https://rival.test/' })])
    const before = await collector.tree()
    for (const _ of ['once', 'again']) {
      const answer = await collector.postBatch(rival)
      expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 409, code: 'seq_conflict' })
      expect(refusalIn(answer)).toMatchObject({ batch: rival.id, code: 'seq_conflict', at: collector.now })
    }
    const { [`conflicts/${probe.device}/${rival.id}.psb`]: copy, ...rest } = await collector.tree()
    expect(copy).toBeDefined()
    expect(rest).toEqual(before)
    expect(collector.logged).toContainEqual(
      expect.objectContaining({
        level: 'error',
        code: 'seq_conflict',
        device: probe.device,
        seq: 0,
        batch: rival.id,
      }),
    )
    expect((await collector.postBatch(first)).status).toBe(200)
  })

  it('10 GB, by its length alone, and hangs up instead of reading it', async () => {
    const before = await collector.tree()
    const { port } = new URL(collector.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(
      `POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: ${batchMediaType}\r\nContent-Length: 10000000000\r\n\r\nPSB1`,
    )
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text).toContain('"code":"too_large"')
    expect(await collector.tree()).toEqual(before)
  })

  it.each([
    ['that begins as nothing', 'not_a_batch', () => Buffer.alloc(0)],
    ['that begins as a good batch', 'trailing_bytes', () => probe.next().bytes],
  ])('a body without end %s: 400 %s, at the first byte too many', async (_, code, beginning) => {
    const chunk = new Uint8Array(1024 * 1024)
    let sent = 0
    const first = new Uint8Array(beginning())
    const body = new ReadableStream({
      start(controller) {
        if (first.length > 0) controller.enqueue(first)
      },
      pull(controller) {
        sent += chunk.length
        controller.enqueue(chunk)
      },
    })
    const headers = { 'content-type': batchMediaType }
    const request = fetch(`${collector.url}/v1/batches`, {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit)
    // Either the answer comes through, or the connection breaks under a sender who does not listen.
    const status = await request.then((response) => response.status).catch(() => 400)
    expect(status).toBe(400)
    expect(collector.logged).toContainEqual(expect.objectContaining({ code: 'refused', refusal: code }))
    expect(sent).toBeLessThan(64 * 1024 * 1024)
    expect((await collector.postBatch(probe.next())).status).toBe(201)
  })
})

describe('HEAD /v1/batches/:id', () => {
  it('says whether a batch is held', async () => {
    const [first, second] = [probe.next(), probe.next()]
    await collector.postBatch(first)
    const statusFor = async (id: string) =>
      (await fetch(`${collector.url}/v1/batches/${id}`, { method: 'HEAD' })).status
    expect(await statusFor(first.id)).toBe(200)
    expect(await statusFor(second.id)).toBe(404)
    expect(await statusFor('..%2f..%2fcollector-key')).toBe(404)
  })
})

describe('the server', () => {
  it('says that it is well', async () => {
    const { status, body } = await collector.get('/healthz')
    expect(status).toBe(200)
    expect(JSON.parse(body.toString())).toEqual({
      status: 'ok',
      index: 'missing',
      behind: 0,
      set_aside: 0,
    })
  })

  it('receives without an index, and says on its page that there is none', async () => {
    expect((await collector.postBatch(probe.next())).status).toBe(201)
    const page = await collector.get('/', { 'accept-language': 'en' })
    expect(page.status).toBe(200)
    expect(page.body.toString()).toContain('The tables are not available')
    expect((await collector.get('/api/v1/measurements')).status).toBe(503)
  })

  it('answers an unknown address with a problem', async () => {
    expect(codeOf(await collector.get('/v2/anything'))).toBe('not_found')
    expect(codeOf(await collector.get('/%'))).toBe('bad_request')
  })

  it('logs no address of a sender', async () => {
    await collector.postBatch(probe.next())
    await collector.post('/v1/batches', 'text/plain', Buffer.from('x'))
    const lines = collector.logged.filter(({ code }) => code !== undefined)
    expect(lines.map(({ code }) => code)).toContain('refused')
    expect(JSON.stringify(lines)).not.toContain('127.0.0.1')
    expect(JSON.stringify(collector.logged)).not.toMatch(/remote/i)
  })

  it('clears away at start what a crash left half written', async () => {
    const batch = await held()
    const folder = join(collector.state, 'batches', batch.id.slice(0, 2))
    await writeFile(join(folder, `.${batch.id}.psb.0123456789ab.tmp`), 'half')
    await collector.restart()
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('starts with a damaged batch in the archive, says so, and takes the others', async () => {
    const [a, b] = [await held(), probe.next()]
    await writeFile(batchFile(a), flip(a.bytes, 100))
    await collector.restart()
    expect(collector.logged).toContainEqual(
      expect.objectContaining({ level: 'error', code: 'archive_damaged' }),
    )
    expect((await collector.postBatch(b)).status).toBe(201)
    // What was lost is taken again from whoever still has it.
    expect((await collector.postBatch(a)).status).toBe(201)
    expect(verifyBatch(await readFile(batchFile(a)), () => probe.publicKey).id).toBe(a.id)
  })
})
