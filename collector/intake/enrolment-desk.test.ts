// Enrolment over HTTP: one token, one probe, one record, whatever gets lost on the way.

import { generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, SampleCollector } from '../../test/support/sample-collector.ts'
import { SampleProbe } from '../../test/support/sample-probe.ts'
import {
  type EnrolmentRequest,
  makeToken,
  openEnrolment,
  readToken,
  tokenIdOf,
  tokenKeyOf,
} from '../../tests-spec/protocol/enrolment.ts'

let collector: SampleCollector
beforeEach(async () => {
  collector = await SampleCollector.start()
})
afterEach(() => collector.remove())

const outcomeOf = ({ status, body }: Answer) => ({ status, code: JSON.parse(body.toString()).code })

describe('POST /v1/enrol', () => {
  it('answers 201 with a record signed by the key the token names, and keeps it as issued', async () => {
    const probe = new SampleProbe()
    const token = await collector.token()
    const answer = await collector.postEnrolment(probe.enrolmentRequest(token))
    expect(answer.status).toBe(201)
    const { enrolment } = openEnrolment(answer.body, readToken(token)?.collectorKeyId ?? '')
    expect(enrolment).toMatchObject({ device: probe.device, at: collector.now })
    expect(await readFile(join(collector.state, 'probes', `${probe.device}.json`))).toEqual(answer.body)
  })

  it('keeps no secret on the disk', async () => {
    const token = await collector.token()
    const secret = readToken(token)?.secret ?? ''
    const name = `${tokenIdOf(tokenKeyOf(secret))}.json`
    expect(await readdir(join(collector.state, 'tokens'))).toEqual([name])
    const path = join(collector.state, 'tokens', name)
    expect(await readFile(path, 'utf8')).not.toContain(secret)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(JSON.stringify(collector.logged)).not.toContain(secret)
  })

  it('gives a probe that lost the answer the same record again, also after a restart', async () => {
    const probe = new SampleProbe()
    const request = probe.enrolmentRequest(await collector.token())
    const first = await collector.postEnrolment(request)
    collector.now += 3_600_000
    const second = await collector.postEnrolment(request)
    await collector.restart()
    const third = await collector.postEnrolment(request)
    expect([second.status, third.status]).toEqual([201, 201])
    expect([second.body, third.body]).toEqual([first.body, first.body])
  })

  it('goes on when a crash came between the token and the record', async () => {
    const probe = new SampleProbe()
    const request = probe.enrolmentRequest(await collector.token())
    await collector.postEnrolment(request)
    await rm(join(collector.state, 'probes', `${probe.device}.json`))
    await collector.restart()
    const again = await collector.postEnrolment(request)
    expect(again.status).toBe(201)
    probe.enrolled(again.body)
    expect((await collector.postBatch(probe.next())).status).toBe(201)
  })

  it('has one record for a probe that comes with two tokens', async () => {
    const probe = new SampleProbe()
    const [first, second] = [await collector.enrol(probe), await collector.enrol(probe)]
    expect(second.body).toEqual(first.body)
  })

  it('lets one of two probes have a token they bring at the same moment', async () => {
    const token = await collector.token()
    const requests = [new SampleProbe(), new SampleProbe()].map((probe) => probe.enrolmentRequest(token))
    const answers = await Promise.all(requests.map((request) => collector.postEnrolment(request)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
  })

  const sample = async () => new SampleProbe().enrolmentRequest(await collector.token())
  const keyOf = ({ spki, proof }: EnrolmentRequest) => ({ spki, proof })
  const rsa = (): string => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 512 })
    return publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  }
  it.each([
    ['nothing', async (): Promise<unknown> => null, 400, 'bad_request'],
    [
      'a request without a proof',
      async () => ({ ...(await sample()), proof: undefined }),
      400,
      'bad_request',
    ],
    [
      'a field nobody asked for, too long',
      async () => ({ ...(await sample()), more: 'x'.repeat(5_000) }),
      413,
      'too_large',
    ],
    [
      'a token of another form',
      async () => ({ ...(await sample()), token: '../collector-key' }),
      400,
      'bad_request',
    ],
    [
      'a token nobody issued',
      async () => ({ ...(await sample()), token: 'a'.repeat(64) }),
      404,
      'token_unknown',
    ],
    ['a key that is none', async () => ({ ...(await sample()), spki: 'AAAA' }), 400, 'bad_key'],
    ['an RSA key', async () => ({ ...(await sample()), spki: rsa() }), 400, 'bad_key'],
    [
      'a proof by another key',
      async () => ({ ...(await sample()), proof: (await sample()).proof }),
      403,
      'bad_proof',
    ],
    [
      'what a listener makes of a request that it heard',
      async () => ({
        ...(await sample()),
        ...keyOf(new SampleProbe().enrolmentRequest(makeToken('0'.repeat(32)))),
      }),
      403,
      'bad_proof',
    ],
    ['a proof that is none', async () => ({ ...(await sample()), proof: '' }), 403, 'bad_proof'],
  ] as const)('refuses %s and spends no token', async (_, make, status, code) => {
    const request = await make()
    const before = await collector.tree()
    expect(outcomeOf(await collector.postEnrolment(request))).toEqual({ status, code })
    expect(await collector.tree()).toEqual(before)
  })

  it('refuses a second probe with a token that is spent', async () => {
    const token = await collector.token()
    await collector.postEnrolment(new SampleProbe().enrolmentRequest(token))
    const before = await collector.tree()
    const second = await collector.postEnrolment(new SampleProbe().enrolmentRequest(token))
    expect(outcomeOf(second)).toEqual({ status: 409, code: 'token_used' })
    expect(await collector.tree()).toEqual(before)
  })

  it.each(['', '{"createdAt":1,"used', '{"createdAt":1,"usedBy":"nobody"}'])(
    'refuses a token whose file holds %j, and enrols with another',
    async (text) => {
      const token = await collector.token()
      const [file = ''] = await readdir(join(collector.state, 'tokens'))
      await writeFile(join(collector.state, 'tokens', file), text)
      const probe = new SampleProbe()
      const refused = await collector.postEnrolment(probe.enrolmentRequest(token))
      expect(outcomeOf(refused)).toEqual({ status: 410, code: 'token_damaged' })
      const again = await collector.postEnrolment(probe.enrolmentRequest(await collector.token()))
      expect(again.status).toBe(201)
    },
  )

  it.each([
    ['not JSON', 'application/json', '{"v":', 400, 'bad_request'],
    ['a form', 'application/x-www-form-urlencoded', 'v=1', 415, 'wrong_type'],
  ])('refuses %s', async (_, type, body, status, code) => {
    expect(outcomeOf(await collector.post('/v1/enrol', type, Buffer.from(body)))).toEqual({ status, code })
  })
})

it('a damaged enrolment record is an alarm, and turns only its own probe away', async () => {
  const [a, b] = [new SampleProbe(), new SampleProbe()]
  await collector.enrol(a)
  await collector.enrol(b)
  await writeFile(join(collector.state, 'probes', `${a.device}.json`), '{')
  await collector.restart()
  expect(collector.logged).toContainEqual(expect.objectContaining({ level: 'error', code: 'probe_damaged' }))
  expect((await collector.postBatch(a.next())).status).toBe(401)
  expect((await collector.postBatch(b.next())).status).toBe(201)
})
