// The agent with a helper outside, both as processes: what the helper saw stands in the measurement, and decides what
// one place alone cannot.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { type RunningCollector, sonde, startCollector, temporaryFolder } from '../support/processes.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let collector: RunningCollector
let internet: LoopbackInternet
let page: string
const site = createServer((_request, response) => {
  response.setHeader('x-site', 'one')
  response.end(`<title>A site of news</title>${'news '.repeat(200)}`)
})

beforeAll(async () => {
  collector = await startCollector(temporaryFolder('collector'), ['--helper-allow-private'])
  internet = await startLoopbackInternet({ helpers: [`${collector.url}/v1/web-connectivity`] })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', () => resolve()))
  page = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`
})
afterAll(async () => {
  site.close()
  internet.close()
  await collector.stop()
})

async function measure(url: string): Promise<Measurement> {
  const { code, out, err } = await sonde([
    'once',
    url,
    '--json',
    '--state',
    temporaryFolder('agent'),
    ...internet.agentArguments,
  ])
  expect(err).toBe('')
  expect(code).toBe(0)
  return JSON.parse(out.split('\n')[0] ?? '')
}

it('a page in clear text that the helper got too is ok', async () => {
  const { test_keys } = await measure(page)
  expect(test_keys).toMatchObject({
    control_failure: null,
    control: { http_request: { status_code: 200, title: 'A site of news' } },
    blocking: false,
    accessible: true,
    title_match: true,
    x_sonde_verdict: { verdict: 'ok', rule: 'web_connectivity/same_page_outside@3' },
  })
})

it('a site that is down outside too is no finding', async () => {
  const { test_keys } = await measure(internet.inputs.gone)
  expect(test_keys).toMatchObject({
    blocking: false,
    accessible: false,
    x_sonde_verdict: {
      verdict: 'undetermined',
      rule: 'web_connectivity/fails_outside_too@2',
      step: 'connect',
    },
  })
})
