// `sonde verify` on files of a real folder: keys from where an operator has them, and the exit code.

import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { invoke } from '../../test/support/invoke.ts'
import { deviceId, encodeBatch, type Manifest, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { sealEnrolment } from '../../tests-spec/protocol/enrolment.ts'

const probe = generateKeyPairSync('ed25519')
const collector = generateKeyPairSync('ed25519')
const spkiOf = (key: typeof probe.publicKey) => key.export({ type: 'spki', format: 'der' }).toString('base64')
const spki = spkiOf(probe.publicKey)
const device = v.parse(deviceId, keyIdOf(probe.publicKey))
const record = sealEnrolment(
  {
    v: 1,
    device,
    spki,
    collector: keyIdOf(collector.publicKey),
    collectorSpki: spkiOf(collector.publicKey),
    at: 5,
  },
  collector.privateKey,
)
const recordBody = Buffer.from(JSON.parse(record.toString()).payload, 'base64')

let dir: string
let good: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sonde-verify-'))
  good = join(dir, 'good.psb')
  const payload = brotliCompressSync(Buffer.alloc(0))
  const manifest: Manifest = {
    v: 1,
    device,
    epoch: '0123456789abcdef01',
    seq: 0,
    prev: sha256Hex(recordBody),
    records: { n: 0, ranges: [], classes: { anomaly: 0, routine: 0, diagnostic: 0 } },
    lost: [{ ranges: [[0, 6]], reason: 'torn' }],
    payload: {
      codec: 'br',
      len: payload.length,
      sha256: sha256Hex(payload),
      rawLen: 0,
      rawSha256: sha256Hex(Buffer.alloc(0)),
      schema: 'sonde-record-1',
    },
    time: { wall: 1_790_000_000_000, bootId: 'b', monoMs: 5, src: 'none', uncMs: null },
    lists: {},
    agent: { version: '1.2.3' },
    why: 'export',
  }
  writeFileSync(good, encodeBatch(manifest, payload, probe.privateKey).bytes)
  writeFileSync(join(dir, 'record.json'), record)
  const own = { url: 'https://collector.example', collector_key_id: 'x', record: record.toString() }
  writeFileSync(join(dir, 'enrolment.json'), JSON.stringify(own))
})
afterAll(() => rmSync(dir, { recursive: true }))

const verify = (argv: readonly string[]) => invoke(['verify', ...argv], { XDG_STATE_HOME: join(dir, 'none') })

describe('sonde verify', () => {
  it.each([
    ['a key', () => ['--key', spki]],
    ['the record as the collector keeps it', () => ['--enrolment', join(dir, 'record.json')]],
    ['the record as the probe keeps it', () => ['--enrolment', join(dir, 'enrolment.json')]],
    ['the record in its own state folder', () => ['--state', dir]],
  ])('believes a good file by %s', async (_, by) => {
    expect(await verify([good, ...by()])).toMatchObject({ code: 0, out: expect.stringContaining('torn 0-6') })
  })

  it('ends with 1 and the code when a file is not good, however large it is', async () => {
    const endless = join(dir, 'endless.psb')
    writeFileSync(endless, 'PSB1')
    truncateSync(endless, 2 ** 36)
    const { code, out } = await verify([good, endless, join(dir, 'gone'), '--key', spki, '--json'])
    expect(code).toBe(1)
    const codes = JSON.parse(out).files.map((file: { code: unknown }) => file.code)
    expect(codes).toEqual([null, 'unreadable', 'unreadable'])
  })

  it('makes nothing, and says what to add when it knows no key', async () => {
    const before = readdirSync(dir)
    await expect(verify([good])).rejects.toMatchObject({
      code: 'bad_usage',
      message: expect.stringContaining('--key'),
    })
    await expect(verify([good, '--state', join(dir, 'nowhere')])).rejects.toMatchObject({
      code: 'no_state',
      exitCode: 66,
    })
    await expect(verify([good, '--key', 'not a key'])).rejects.toMatchObject({ code: 'bad_usage' })
    expect(readdirSync(dir)).toEqual(before)
  })

  it('does not look into a state folder where somebody is named', async () => {
    expect(await verify([good, '--key', spki, '--state', join(dir, 'nowhere')])).toMatchObject({ code: 0 })
  })
})
