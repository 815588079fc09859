// The built agent on every Node.js it must run on, from enrolment to receipt: a site and a resolver on loopback, the
// built collector beside them. Run with the V8 flags devices are started with, which not every flag survives.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { join } from 'node:path'
import { decode, encode } from 'dns-packet'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installedNodes, missingNodes } from '../build/nodes.ts'
import { v8Flags } from '../build/v8-flags.ts'
import { type Measurement, measurement } from '../tests-spec/data-formats/measurement.ts'
import { makeAuthority } from './support/certificates.ts'
import { serveTcp, serveUdp, serveWith } from './support/loopback.ts'
import {
  agentBundle,
  type RunningCollector,
  runToEnd,
  startCollector,
  temporaryFolder,
} from './support/processes.ts'
import { root } from './support/source-tree.ts'

const nodes = installedNodes()
const authority = makeAuthority()
const folder = temporaryFolder('nodes')
let collector: RunningCollector

beforeAll(async () => {
  collector = await startCollector(join(folder, 'collector'))
})

afterAll(async () => {
  await collector?.stop()
  rmSync(folder, { recursive: true })
})

/** Shown among what was not run. */
for (const major of missingNodes()) it.todo(`runs on Node ${major}: npm run nodes brings it`)

describe.each(nodes)('sonde on Node $major', ({ major, path }) => {
  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(await sonde(path, ['--version'])).toBe(`sonde ${version}\n`)
  })

  it('enrols, measures over HTTP/2, HTTP/1.1 and clear text, and is given a receipt', async () => {
    const site = await serveSite()
    const state = join(folder, `state-${major}`)
    await sonde(path, ['enrol', collector.url, await collector.token(), '--state', state])
    const urls = [site.http2, site.http1, site.clear, site.cut]
    const config = settingsFor(site, major)
    const printed = await sonde(path, ['once', ...urls, '--json', '--state', state, '--config', config])
    const status = JSON.parse(await sonde(path, ['status', '--json', '--state', state], noAgentRuns))

    const measured = byInput(lines(printed))
    expect(Object.fromEntries(urls.map((url) => [url, outcome(measured.get(url))]))).toEqual({
      // ADR 0011: a server could abort Node 20 over HTTP/2.
      [site.http2]: { code: 200, alpn: major === '20' ? 'http/1.1' : 'h2', failure: null, verdict: 'ok' },
      [site.http1]: { code: 200, alpn: 'http/1.1', failure: null, verdict: 'ok' },
      // Anyone on the path can write a clear-text page.
      [site.clear]: { code: 200, alpn: '', failure: null, verdict: 'undetermined' },
      // It cuts a neutral name as well, and nobody outside was asked: it may just be broken.
      [site.cut]: { failure: 'connection_reset', verdict: 'undetermined' },
    })
    expect(enginesOf(measured.get(site.http2))).toEqual(['getaddrinfo', 'udp'])
    expect(status).toMatchObject({
      link: { state: 'up' },
      last_cycle: { bugs: 0 },
      upload: { kind: 'delivered' },
      spool: { unsealed: 0, pending_batches: 0, lost: 0 },
    })
    const stored = byInput((await collector.measurements()).map((each) => each.measurement))
    expect(urls.map((url) => stored.get(url))).toEqual(urls.map((url) => measured.get(url)))
  })

  it('measures where there is no WebAssembly: a reader that throws was taken for a link that is down', async () => {
    const site = await serveSite()
    const config = settingsFor(site, `jitless-${major}`)
    const state = join(folder, `state-jitless-${major}`)
    const args = ['once', site.http1, site.clear, '--json', '--state', state, '--config', config]
    const { code, out } = await runToEnd(path, ['--jitless', agentBundle, ...args], { SONDE_PROBE_CC: 'ML' })
    expect(code).toBe(0)
    const measured = byInput(lines(out))
    expect(outcome(measured.get(site.http1))).toMatchObject({ code: 200, failure: null, verdict: 'ok' })
    expect(outcome(measured.get(site.clear))).toMatchObject({ code: 200, failure: null })
  })
})

/** What `status` ends with when whoever measured has ended. */
const noAgentRuns = 3

/** @returns What it printed. @throws When it did not end as expected, with what it complained of. */
async function sonde(node: string, args: readonly string[], expected = 0): Promise<string> {
  const { code, out, err } = await runToEnd(node, [...v8Flags, agentBundle, ...args], {
    SONDE_PROBE_CC: 'ML',
  })
  if (code !== expected) throw new Error(`sonde ${args.join(' ')} ended with ${code}: ${err}`)
  return out
}

interface Site {
  readonly http2: string
  readonly http1: string
  readonly clear: string
  /** Resets on the ClientHello. */
  readonly cut: string
  readonly resolverPort: number
}

/** The same page three ways, and a resolver that knows it. */
async function serveSite(): Promise<Site> {
  const issued = authority.issue({ names: ['localhost', '127.0.0.1'] })
  const page = '<!doctype html><title>A page</title>'
  const overHttp2 = createSecureServer({ ...issued, allowHTTP1: true })
  overHttp2.on('request', (_, response) => response.end(page))
  // The agent hangs up when it has what it asked for.
  overHttp2.on('sessionError', () => {})
  const http2 = await serveWith(overHttp2)
  const http1 = await serveWith(createHttpsServer(issued, (_, response) => response.end(page)))
  const clear = await serveWith(createServer((_, response) => response.end(page)))
  const cut = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
  const resolver = await serveUdp((query, reply) => {
    const { id = 0, questions = [] } = decode(query)
    const answers = questions
      .filter(({ type }) => type === 'A')
      .map(({ name }) => ({ type: 'A' as const, name, ttl: 60, data: '127.0.0.1' }))
    reply(encode({ type: 'response', id, flags: 0x0180, questions, answers }))
  })
  return {
    http2: `https://localhost:${http2.port}/`,
    http1: `https://localhost:${http1.port}/`,
    clear: `http://localhost:${clear.port}/`,
    cut: `https://localhost:${cut.port}/`,
    resolverPort: resolver.port,
  }
}

/** @returns The path of a configuration for this site and no other. */
function settingsFor(site: Site, name: string): string {
  const write = (suffix: string, text: string) => {
    const path = join(folder, `${name}-${suffix}`)
    writeFileSync(path, text)
    return path
  }
  const controls = [{ url: site.http1, expect: { status: 200 } }]
  const resolvers = [{ transport: 'udp', ip: '127.0.0.1', port: site.resolverPort }]
  const list = { name: 'loopback', version: 1, entries: [], controls, resolvers }
  const settings = {
    lab: true,
    // What failed is measured again, at once instead of half a minute later.
    repeat_after_seconds: 0,
    test_list: write('list.json', JSON.stringify(list)),
    extra_ca: [write('ca.pem', authority.caPem)],
  }
  return write('config.json', JSON.stringify(settings))
}

/** Every one must be a measurement of the contract. */
function byInput(measurements: readonly unknown[]): Map<string | null, Measurement> {
  return new Map(measurements.map((each) => v.parse(measurement, each)).map((each) => [each.input, each]))
}

const lines = (ndjson: string) =>
  ndjson
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)

function outcome(measured: Measurement | undefined) {
  const keys = measured?.test_keys
  const verdict = keys?.x_sonde_verdict.verdict
  const request = keys?.requests[0]
  if (request === undefined) return { failure: keys?.tls_handshakes[0]?.failure, verdict }
  return { code: request.response.code, alpn: request.alpn, failure: request.failure, verdict }
}

function enginesOf(measured: Measurement | undefined): string[] {
  return [...new Set(measured?.test_keys.queries.map(({ engine }) => engine))].sort()
}
