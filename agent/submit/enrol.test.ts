import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import {
  answer,
  problem,
  type Reply,
  type StubCollector,
  stubCollector,
} from '../../test/support/stub-collector.ts'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf, publicKeyFrom } from '../../tests-spec/protocol/dsse.ts'
import {
  macHolds,
  makeToken,
  openEnrolment,
  proofHolds,
  readToken,
  sealEnrolment,
  tokenKeyOf,
} from '../../tests-spec/protocol/enrolment.ts'
import { systemClock } from '../platform/clock.ts'
import { EnrolmentFailed, enrol } from './enrol.ts'

const collector = generateKeyPairSync('ed25519')
const collectorId = keyIdOf(collector.publicKey)
const impostor = generateKeyPairSync('ed25519')
const device = generateKeyPairSync('ed25519')
const token = makeToken(collectorId)
const options = { silenceMs: 20_000, signal: new AbortController().signal, now: systemClock().monotonicMs }

let servers: StubCollector[] = []
afterEach(async () => {
  for (const server of servers) await server.close()
  servers = []
})

async function serve(reply: Reply): Promise<StubCollector> {
  const server = await stubCollector(reply)
  servers.push(server)
  return server
}

/** Answers as a collector with these keys does. */
const enrolling =
  (keys: typeof collector, name = keyIdOf(keys.publicKey), of = device.publicKey): Reply =>
  (response) => {
    const spki = (key: typeof of) => key.export({ type: 'spki', format: 'der' }).toString('base64')
    const content = {
      v: 1,
      device: keyIdOf(of),
      spki: spki(of),
      collector: name,
      collectorSpki: spki(keys.publicKey),
      at: 1_790_000_000_000,
    }
    response.writeHead(201).end(sealEnrolment(content as never, keys.privateKey))
  }

async function failureOf(url: string, text = token): Promise<EnrolmentFailed> {
  try {
    await enrol(url, text, device, options)
  } catch (error) {
    if (error instanceof EnrolmentFailed) return error
    throw error
  }
  throw new Error('Enrolled')
}

describe('enrol()', () => {
  it('posts the key, bound to the token, and the proof that it holds it', async () => {
    const server = await serve(enrolling(collector))
    await enrol(server.url, token, device, options)
    const [posted] = server.posted
    expect(posted).toMatchObject({
      method: 'POST',
      path: '/v1/enrol',
      headers: { 'content-type': 'application/json' },
    })
    const request = JSON.parse(posted?.body.toString() ?? '')
    const secretOfToken = readToken(token)?.secret ?? ''
    expect(macHolds(request, tokenKeyOf(secretOfToken))).toBe(true)
    expect(posted?.body.toString()).not.toContain(secretOfToken)
    expect(publicKeyFrom(request.spki).equals(device.publicKey)).toBe(true)
    expect(proofHolds(request, device.publicKey)).toBe(true)
    // The private key must not leave the device.
    const secret = device.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(16).toString('base64')
    expect(posted?.body.toString()).not.toContain(secret)
  })

  it('gives the record as it came, and what the first batch links back to', async () => {
    const server = await serve(enrolling(collector))
    const { record, enrolment, digest } = await enrol(server.url, token, device, options)
    expect(enrolment).toMatchObject({ device: keyIdOf(device.publicKey), collector: collectorId })
    expect(openEnrolment(record, collectorId).digest).toBe(digest)
    expect(digest).toBe(sha256Hex(Buffer.from(JSON.parse(record.toString()).payload, 'base64')))
  })

  it('takes the same record again, with status 200', async () => {
    const server = await serve((response, posted) => {
      response.statusCode = 200
      enrolling(collector)(response, posted)
    })
    await expect(enrol(server.url, ` ${token.toUpperCase()}\n`, device, options)).resolves.toBeDefined()
  })
})

describe('enrol() fails', () => {
  it.each(['', 'password', `${token}x`, token.slice(0, -4)])(
    'as bad_token for "%s", and asks nobody',
    async (text) => {
      const server = await serve(enrolling(collector))
      expect(await failureOf(server.url, text)).toMatchObject({ code: 'bad_token' })
      expect(server.posted).toEqual([])
    },
  )

  it.each([
    ['bad_token', /another device.*new one/, problem(409, 'token_used')],
    ['bad_token', /cannot read its note.*new one/, problem(410, 'token_damaged')],
    ['bad_token', /does not know this token/, problem(404, 'token_unknown')],
    ['refused', /bad_proof: no: bad_proof.*coordinator/, problem(403, 'bad_proof')],
    ['refused', /bad_key/, problem(400, 'bad_key')],
    ['refused', /bad_request/, problem(400, 'bad_request')],
    ['unreachable', /status 503/, problem(503, 'busy')],
    ['unreachable', /status 429/, problem(429, 'busy')],
    ['unreachable', /status 404/, answer(404, '<html>Not found</html>')],
    ['unreachable', /status 302.*login/, answer(302, '', { location: 'http://portal.test/' })],
    ['forged', /something on the way/, answer(200, '<html>Log in</html>')],
    ['forged', /token names/, enrolling(impostor)],
    ['forged', /token names/, enrolling(impostor, collectorId)],
    ['forged', /token names/, enrolling(collector, collectorId, impostor.publicKey)],
  ] as const)('as %s, saying %s', async (code, words, reply) => {
    const server = await serve(reply)
    const failure = await failureOf(server.url)
    expect(failure.code).toBe(code)
    expect(failure.message).toMatch(words)
  })

  it('as unreachable when nobody answers, with the system’s word for it', async () => {
    const server = await stubCollector(enrolling(collector))
    await server.close()
    const failure = await failureOf(server.url)
    expect(failure).toMatchObject({ code: 'unreachable' })
    expect(failure.message).toMatch(/ECONNREFUSED.*same token/)
  })

  it('as unreachable for what is no address', async () => {
    expect(await failureOf('collector')).toMatchObject({ code: 'unreachable' })
    expect((await failureOf('collector')).message).toContain('https://')
    expect(await failureOf('ftp://collector.example')).toMatchObject({ code: 'unreachable' })
  })
})
