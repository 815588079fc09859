// `npm run screenshot`: makes the picture in the README. A real collector process and a real browser; two sample
// probes, one on each of two networks, send what the evening of 29 July 2018 may have looked like at 17:43.

import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { startCollector } from '../test/support/processes.ts'
import { reached, resetInTls, SampleProbe, sampleMeasurement } from '../test/support/sample-probe.ts'
import { batchMediaType } from '../tests-spec/protocol/batch.ts'

const picture = fileURLToPath(new URL('../docs/dashboard.png', import.meta.url))
const networks = [
  { asn: 'AS30985', name: 'Orange Mali', blocked: true },
  { asn: 'AS21271', name: 'SOTELMA/Malitel', blocked: false },
]
const undetermined = { ...resetInTls, verdict: 'undetermined' as const, how: 'generic_timeout_error' }

const collector = await startCollector()
for (const network of networks) {
  const probe = new SampleProbe()
  const request = probe.enrolmentRequest(await collector.token())
  const answer = await post('/v1/enrol', 'application/json', JSON.stringify(request))
  probe.enrolled(answer)
  const bad = network.blocked ? resetInTls : reached
  const batch = probe.next([
    sampleMeasurement({ network, testName: 'link_check', input: null }),
    sampleMeasurement({
      network,
      testName: 'whatsapp',
      input: null,
      verdict: bad,
      parts: { registration: reached, endpoints: reached, web: bad },
    }),
    sampleMeasurement({ network, input: 'https://twitter.com/', verdict: bad }),
    sampleMeasurement({ network, input: 'https://guardianproject.info/' }),
    sampleMeasurement({
      network,
      input: 'http://www.anonymizer.ru/',
      verdict: network.blocked ? undetermined : reached,
    }),
    sampleMeasurement({ network, input: 'https://www.torproject.org/' }),
  ])
  await post('/v1/batches', batchMediaType, batch.bytes)
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-sync',
  ],
})
const page = await browser.newPage({ viewport: { width: 1100, height: 600 }, colorScheme: 'light' })
await page.goto(`${collector.url}/?lang=en`)
await page.screenshot({ path: picture, fullPage: true })
await browser.close()
await collector.stop()

async function post(path: string, type: string, body: string | Uint8Array): Promise<Buffer> {
  const response = await fetch(`${collector.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return Buffer.from(await response.arrayBuffer())
}
