// A method that an address does not have is answered with those that it has.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../../test/support/sample-collector.ts'

let collector: SampleCollector
beforeEach(async () => {
  collector = await SampleCollector.start()
})
afterEach(async () => collector.remove())

describe('a method that an address does not have', () => {
  it.each([
    ['POST', '/', 'GET, HEAD'],
    ['PUT', '/api/v1/measurements?limit=1', 'GET, HEAD'],
    ['DELETE', `/v1/batches/${'a'.repeat(64)}/receipt`, 'GET, HEAD'],
    ['GET', '/v1/batches', 'POST'],
    ['PUT', `/v1/uploads/${'a'.repeat(64)}`, 'HEAD, PATCH, POST'],
  ])('%s %s is answered with those that it has', async (method, path, allowed) => {
    for (const init of method === 'GET' ? [{}] : [{}, { body: '{}' }, { body: Buffer.from('x') }]) {
      const answer = await fetch(`${collector.url}${path}`, { method, ...init })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allowed])
      expect(await answer.json()).toMatchObject({ code: 'wrong_method' })
    }
  })

  it('is no matter where there is nothing', async () => {
    expect((await fetch(`${collector.url}/v1`, { method: 'POST' })).status).toBe(404)
  })
})
