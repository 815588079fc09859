// Sealed files at the collector, over HTTP and from a stick: each batch is taken as if its probe had posted it, and
// whatever a file claims, breaks or hides, nothing else is.

import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Encrypter } from 'age-encryption'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cases, seed } from '../../test/support/fuzzing.ts'
import { hostileBytes } from '../../test/support/mutations.ts'
import { type Answer, SampleCollector } from '../../test/support/sample-collector.ts'
import { type SampleBatch, SampleProbe } from '../../test/support/sample-probe.ts'
import { readAgeRecipient, sealForAge } from '../../tests-spec/protocol/age.ts'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import {
  maxSealedBytes,
  openSealedReceipt,
  sealedMediaType,
  splitLines,
} from '../../tests-spec/protocol/sealed.ts'
import { importShown, importStick, type TakeSealed } from '../commands/import-stick.ts'

let collector: SampleCollector
let probe: SampleProbe
beforeEach(async () => {
  collector = await SampleCollector.start()
  probe = new SampleProbe()
  await collector.enrol(probe)
})
afterEach(() => collector.remove())

function sealedTo(recipient: string, ...batches: readonly Pick<SampleBatch, 'bytes'>[]): Buffer {
  const known = readAgeRecipient(recipient)
  if (known === null) throw new Error(`Not a recipient: ${recipient}`)
  return Buffer.concat([
    ...sealForAge(
      known,
      batches.map(({ bytes }) => bytes),
    ),
  ])
}
const sealed = (...batches: readonly Pick<SampleBatch, 'bytes'>[]) =>
  sealedTo(collector.collector.recipient, ...batches)
const post = (bytes: Uint8Array) => collector.post('/v1/sealed', sealedMediaType, bytes)
const own = (id: string) => (id === collector.collector.key.id ? collector.collector.key.publicKey : null)

function read({ body }: Answer) {
  const [word = Buffer.alloc(0), ...receipts] = splitLines(body)
  return { word: openSealedReceipt(word, own), receipts: receipts.map((line) => openReceipt(line, own)) }
}
const codeOf = ({ body, status }: Answer) => `${status} ${JSON.parse(body.toString()).code}`

describe('POST /v1/sealed', () => {
  it('takes every batch, and answers with its word on the file and a receipt each', async () => {
    const batches = [probe.next(), probe.next(), probe.next()]
    const file = sealed(...batches)
    const answer = await post(file)
    expect(answer.status).toBe(200)
    const { word, receipts } = read(answer)
    expect(word).toEqual({
      v: 1,
      sealed: sha256Hex(file),
      collector: collector.collector.key.id,
      at: collector.now,
      receipts: 3,
      stored: 3,
      refused: [],
    })
    expect(receipts.map(({ batch }) => batch)).toEqual(batches.map(({ id }) => id))
  })

  it('gives the very receipt again for a batch that came before, by whatever way', async () => {
    const [first, second] = [probe.next(), probe.next()]
    const posted = await collector.postBatch(first)
    const answer = await post(sealed(first, second))
    expect(read(answer).word).toMatchObject({ receipts: 2, stored: 1 })
    expect(splitLines(answer.body)[1]).toEqual(posted.body)
    const again = await post(sealed(first, second))
    expect(splitLines(again.body).slice(1)).toEqual(splitLines(answer.body).slice(1))
    expect(read(again).word.stored).toBe(0)
  })

  it('takes batches of several probes, and what another writer sealed', async () => {
    const other = new SampleProbe()
    await collector.enrol(other)
    const encrypter = new Encrypter()
    encrypter.addRecipient(collector.collector.recipient)
    const file = await encrypter.encrypt(Buffer.concat([probe.next().bytes, other.next().bytes]))
    expect(read(await post(file)).receipts.map(({ device }) => device)).toEqual([probe.device, other.device])
  })

  it('names what it does not take, and takes the rest', async () => {
    const stranger = new SampleProbe()
    const [first, second] = [probe.next(), probe.next()]
    const strange = stranger.after(null, [], (m) => ({ ...m, prev: 'ab'.repeat(32) }))
    const broken = probe.after(second, [], (m) => ({ ...m, prev: 'cd'.repeat(32) }))
    const noBatch = { bytes: Buffer.from('and something else altogether') }
    const { word, receipts } = read(await post(sealed(first, strange, second, broken, noBatch)))
    expect(receipts.map(({ batch }) => batch)).toEqual([first.id, second.id])
    expect(word.refused).toEqual([
      { batch: strange.id, code: 'unknown_key' },
      { batch: broken.id, code: 'chain_broken' },
      { batch: null, code: 'not_a_batch' },
    ])
  })

  it('refuses a second content for a seq, and keeps it as evidence', async () => {
    const first = probe.next()
    const other = probe.after(null, [], (m) => ({ ...m, why: 'manual' }))
    const { word } = read(await post(sealed(first, other)))
    expect(word.refused).toEqual([{ batch: other.id, code: 'seq_conflict' }])
    expect(readdirSync(join(collector.state, 'conflicts', probe.device))).toEqual([`${other.id}.psb`])
  })

  it('opens what was sealed to an older identity', async () => {
    const old = collector.collector.recipient
    const path = join(collector.state, 'sealing-key')
    const made = execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    writeFileSync(path, made + readFileSync(path, 'utf8'))
    await collector.restart()
    expect(collector.collector.recipient).not.toBe(old)
    expect(read(await post(sealedTo(old, probe.next()))).word.stored).toBe(1)
  })

  describe('refuses, and keeps nothing of', () => {
    const elsewhere = 'age1s5s0qzvfxzn4gayt0hwtg0hhtgxm7wsdycup4a8t5j5ca25mfe4qt4hs7q'
    const rows: readonly [what: string, code: string, file: () => Buffer][] = [
      ['nothing', '400 not_sealed', () => Buffer.alloc(0)],
      ['a batch that is not sealed', '400 not_sealed', () => probe.next().bytes],
      ['the page of a captive portal', '400 not_sealed', () => Buffer.from('<html>Please log in</html>')],
      ['a file for another collector', '400 other_recipient', () => sealedTo(elsewhere, probe.next())],
      ['a file that lacks its last byte', '400 damaged', () => sealed(probe.next()).subarray(0, -1)],
      ['a header alone', '400 damaged', () => sealed(probe.next()).subarray(0, 168)],
      ['a first line alone', '400 damaged', () => sealed(probe.next()).subarray(0, 22)],
      [
        'a file with something behind',
        '400 damaged',
        () => Buffer.concat([sealed(probe.next()), Buffer.of(0)]),
      ],
      [
        'a header of a thousand recipients',
        '400 damaged',
        () => {
          const file = sealed(probe.next()).toString('latin1')
          const stanza = file.slice(22, file.indexOf('\n---') + 1)
          return Buffer.from(file.slice(0, 22) + stanza.repeat(1_000) + file.slice(22), 'latin1')
        },
      ],
      ['seventeen batches', '413 too_large', () => sealed(...Array.from({ length: 17 }, () => probe.next()))],
    ]
    it.each(rows)('%s (%s)', async (_, code, file) => {
      const before = await collector.tree()
      expect(codeOf(await post(file()))).toBe(code)
      expect(await collector.tree()).toEqual(before)
    })

    it('a file in the name of a batch', async () => {
      expect(codeOf(await collector.post('/v1/sealed', 'application/json', Buffer.from('{}')))).toBe(
        '415 wrong_type',
      )
    })

    it('10 GB, before it reads them', async () => {
      const socket = connect(Number(new URL(collector.url).port), '127.0.0.1')
      socket.write(
        `POST /v1/sealed HTTP/1.1\r\nHost: x\r\nContent-Type: ${sealedMediaType}\r\nContent-Length: 10000000000\r\n\r\n`,
      )
      const said = await new Promise<string>((resolve) =>
        socket.once('data', (bytes) => resolve(bytes.toString())),
      )
      socket.destroy()
      expect(said).toMatch(/^HTTP\/1\.1 413 /)
    })
  })

  it('takes nothing of a file that was damaged, however', async () => {
    const batch = probe.next()
    const file = sealed(batch)
    const before = await collector.tree()
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(hostileBytes(file), async (bytes) => {
        if (bytes.equals(file)) return
        const taken = await collector.collector.sealedIntake.take(bytes).catch(() => null)
        if (taken !== null) accepted++
      }),
      { numRuns: cases(150, 4_000), seed },
    )
    expect(accepted).toBe(0)
    expect(await collector.tree()).toEqual(before)
    expect(read(await post(file)).word.stored).toBe(1)
  })
})

describe('importStick()', () => {
  let stick: string
  beforeAll(() => {
    stick = mkdtempSync(join(tmpdir(), 'sonde-stick-'))
  })
  afterEach(() => {
    for (const name of readdirSync(stick)) rmSync(join(stick, name), { recursive: true })
  })
  afterAll(() => rmSync(stick, { recursive: true }))
  const take: TakeSealed = (bytes) => collector.collector.sealedIntake.take(bytes)
  const put = (name: string, bytes: Uint8Array) => writeFileSync(join(stick, name), bytes)

  it('takes what is there, whatever lies between, and leaves everything as it was', async () => {
    const batches = [probe.next(), probe.next(), probe.next()]
    put('0000aaaa.age', sealed(...batches.slice(0, 2)))
    put('HOLIDAY.AGE', sealed(...batches.slice(2)))
    put('holiday.jpg', Buffer.alloc(3_000, 1))
    put('letter.age', Buffer.from('Dear friend'))
    put('cut.age', sealed(probe.next()).subarray(0, 300))
    put('empty.age', Buffer.alloc(0))
    put('huge.age', Buffer.alloc(0))
    truncateSync(join(stick, 'huge.age'), 10_000_000_000)
    mkdirSync(join(stick, 'folder.age'))
    execFileSync('mkfifo', [join(stick, 'pipe.age')])
    const before = readdirSync(stick)

    const report = await importStick(stick, take)
    expect(report.files.map(({ file, code }) => `${file} ${code}`)).toEqual([
      '0000aaaa.age null',
      'HOLIDAY.AGE null',
      'cut.age damaged',
      'empty.age not_sealed',
      'huge.age too_large',
      'letter.age not_sealed',
    ])
    expect(report).toMatchObject({ receipts: 3, complete: false, unwritten: null })
    expect(readdirSync(stick).filter((name) => !before.includes(name))).toEqual(report.written)
    expect(report.written).toEqual([expect.stringMatching(/^[0-9a-f]{8}\.rcp$/)])
    const lines = splitLines(readFileSync(join(stick, report.written[0] ?? '')))
    expect(lines.map((line) => openReceipt(line, own).batch)).toEqual(batches.map(({ id }) => id))
    expect(importShown(report, stick, false)).toContain('cut.age: not taken')
  })

  it('changes nothing the second time, refusals included', async () => {
    const [first, second] = [probe.next(), probe.next()]
    const broken = probe.after(second, [], (m) => ({ ...m, prev: 'cd'.repeat(32) }))
    put('a.age', sealed(first, second, broken))
    const report = await importStick(stick, take)
    expect(report).toMatchObject({ receipts: 3, complete: false })
    const after = readdirSync(stick)
    collector.now += 86_400_000
    expect(await importStick(stick, take)).toMatchObject({ written: [], receipts: 0, complete: false })
    expect(readdirSync(stick)).toEqual(after)
  })

  it('never overwrites a file that has the name of its own', async () => {
    put('a.age', sealed(probe.next()))
    const [name = ''] = (await importStick(stick, take)).written
    const receipts = readFileSync(join(stick, name))
    put(name, Buffer.from('somebody else’s'))
    const [other = ''] = (await importStick(stick, take)).written
    expect(other).toMatch(/^[0-9a-f]{16}\.rcp$/)
    expect(readFileSync(join(stick, other))).toEqual(receipts)
    expect(readFileSync(join(stick, name), 'utf8')).toBe('somebody else’s')
  })

  it('clears away what an import that was cut short had half written, and nothing else', async () => {
    const names = ['.0123abcd.rcp.0123456789ab.tmp', '.letter.rcp.tmp', '0123abcd.rcp.tmp']
    for (const name of names) put(name, Buffer.from('x'))
    put('a.age', sealed(probe.next()))
    await importStick(stick, take)
    expect(names.filter((name) => readdirSync(stick).includes(name))).toEqual(names.slice(1))
  })

  it('goes on after a file the collector could not keep, and is not complete', async () => {
    put('a.age', sealed(probe.next()))
    put('b.age', sealed(probe.next()))
    let calls = 0
    const failing: TakeSealed = async (bytes) => {
      if (++calls === 1) throw Object.assign(new Error('No space left'), { code: 'ENOSPC' })
      return take(bytes)
    }
    const report = await importStick(stick, failing)
    expect(report.files.map(({ code }) => code)).toEqual(['ENOSPC', null])
    expect(report).toMatchObject({ complete: false, receipts: 1 })
    expect(await importStick(stick, take)).toMatchObject({ complete: true, receipts: 1 })
  })

  it('says that there is nothing, where there is nothing', async () => {
    const report = await importStick(stick, take)
    expect(report).toMatchObject({ files: [], complete: true })
    expect(importShown(report, stick, false)).toContain('There is nothing to take')
  })

  it('cannot be given more than a sealed file may have', async () => {
    await expect(take(Buffer.alloc(maxSealedBytes + 1))).rejects.toMatchObject({ code: 'too_large' })
  })
})

it('opens the largest file piece by piece, between which other work has its turn', async () => {
  const noise = { bytes: Buffer.alloc(8_000_000, 7) }
  const file = sealed(noise)
  let turns = 0
  let isOver = false
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  count()
  const taken = await collector.collector.sealedIntake.take(file)
  isOver = true
  expect(taken.said).toMatchObject({ stored: 0, refused: [{ code: 'not_a_batch' }] })
  // One for each piece of 64 KiB at least.
  expect(turns).toBeGreaterThan(100)
})
