// What is kept of a measurement, in full and in brief, fits its schema and leads whoever judges it again to the
// conclusion the probe came to. For the nettests that keep more than the five lists.

import { expect, it } from 'vitest'
import { faultsOf } from '../../test/support/kept.ts'
import { closedPort, serveTcp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { good } from '../../test/support/observations.ts'
import { toMeasurement, type Vantage } from '../measurement/envelope.ts'
import { withEvidence } from '../measurement/evidence.ts'
import { dnscheck } from './dnscheck.ts'
import { headerFieldManipulation } from './http-header-field-manipulation.ts'
import { invalidRequestLineWithin } from './http-invalid-request-line.ts'
import type { Nettest } from './nettest.ts'
import { quicping } from './quicping.ts'
import { sniBlocking } from './sni-blocking.ts'
import { stunReachability } from './stunreachability.ts'
import { tor } from './tor.ts'

const lab = { ...good, lab: true }
const vantage: Vantage = {
  softwareName: 'sonde',
  softwareVersion: '0',
  probeCc: 'ML',
  probeAsn: 'AS0',
  probeNetworkName: '',
  annotations: {},
  ownAddresses: [],
}
const times = { cycleStartedMs: 0, startedMs: 0, runtimeSeconds: 1 }

async function expectSameConclusion(nettest: Nettest, input: string | null, options: object = {}) {
  const seen = await nettest.measure(makeContext(), input, { ...options })
  const conclusion = nettest.conclude(seen.observations, lab, { input })
  const { name, version } = nettest
  const finished = { name, version, input, ...seen, ...conclusion, ...times, link: good.link }
  const full = toMeasurement(finished, vantage)
  // Only what is fine is kept in brief.
  const brief = conclusion.verdict.verdict === 'ok' ? [withEvidence(full, 'brief')] : []
  for (const kept of [full, withEvidence(full, 'full'), ...brief]) {
    expect(faultsOf(kept)).toEqual([])
    expect(nettest.conclude(kept.test_keys, lab, { input })).toEqual(conclusion)
  }
  return conclusion.verdict
}

const helperAnswer = JSON.stringify({ request_line: 'GeT / HTTP/1.1', headers_dict: { Via: ['1.1 proxy'] } })
const answering = (text: string) => serveTcp((socket) => socket.once('data', () => socket.end(text)))

/** How to measure each with a helper or server on this port. */
const rows: readonly [string, (port: number) => Parameters<typeof expectSameConclusion>][] = [
  ['stunreachability', (port) => [stunReachability, `stun://localhost:${port}`]],
  ['quicping', (port) => [quicping, 'localhost', { port }]],
  ['dnscheck over HTTPS', (port) => [dnscheck, `https://localhost:${port}/dns-query`]],
  ['dnscheck over TCP', (port) => [dnscheck, `tcp://127.0.0.1:${port}`]],
  ['sni_blocking', (port) => [sniBlocking, 'site.example', { test_helper_address: `localhost:${port}` }]],
  [
    'http_invalid_request_line',
    (port) => [invalidRequestLineWithin(100), null, { helper: `127.0.0.1:${port}` }],
  ],
  [
    'http_header_field_manipulation',
    (port) => [headerFieldManipulation, null, { helper: `http://127.0.0.1:${port}/` }],
  ],
  [
    'tor',
    (port) => {
      const address = `127.0.0.1:${port}`
      const targets = {
        a: { address, protocol: 'dir_port' },
        b: { address, protocol: 'or_port', name: 'relay' },
      }
      return [tor, null, { targets }]
    },
  ],
]

it.each(rows)('%s against a closed port', async (_name, measured) => {
  const { port } = await closedPort()
  expect((await expectSameConclusion(...measured(port))).verdict).toBe('undetermined')
})

it.each(rows)('%s against a server that answers everybody in HTTP', async (_name, measured) => {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${helperAnswer.length}\r\n\r\n`
  const { port } = await answering(head + helperAnswer)
  await expectSameConclusion(...measured(port))
})

it('what is fine leads to the same conclusion from brief evidence', async () => {
  const echo = await serveTcp((socket) => socket.on('data', (bytes) => socket.write(bytes)))
  const options = { helper: `127.0.0.1:${echo.port}` }
  expect((await expectSameConclusion(invalidRequestLineWithin(100), null, options)).verdict).toBe('ok')
  const directory = await answering('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nx')
  const targets = { a: { address: `127.0.0.1:${directory.port}`, protocol: 'dir_port' } }
  expect((await expectSameConclusion(tor, null, { targets })).verdict).toBe('ok')
})
