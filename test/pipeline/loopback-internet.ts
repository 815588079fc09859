// An internet on loopback: sites that work and sites that are interfered with, controls, and a resolver. Real
// servers, real TLS, real DNS.

import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { decode, encode } from 'dns-packet'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import { agreed } from '../support/agreed.ts'
import { makeAuthority } from '../support/certificates.ts'
import { temporaryFolder } from '../support/processes.ts'

export interface LoopbackInternet {
  /** Arguments that point an agent at it. */
  readonly agentArguments: readonly string[]
  readonly inputs: {
    readonly good: string
    readonly named: string
    readonly reset: string
    readonly foreign: string
    readonly gone: string
  }
  /** Takes the controls away, as a dying link does. */
  dropControls(): void
  close(): void
}

/** Ports that further entries of the list may want. */
export interface LoopbackPorts {
  readonly dns: number
  readonly https: number
  readonly http: number
}

interface LoopbackList {
  /** URLs of test helpers. */
  readonly helpers?: readonly string[]
  /** Beside the sites. */
  readonly further?: (ports: LoopbackPorts) => Partial<TestList>
}

export async function startLoopbackInternet({
  helpers = [],
  further = () => ({}),
}: LoopbackList = {}): Promise<LoopbackInternet> {
  const authority = makeAuthority()
  const stranger = makeAuthority()
  const open: { close(): unknown }[] = []
  const listen = async (server: ReturnType<typeof createTcpServer>): Promise<number> => {
    open.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    return (server.address() as AddressInfo).port
  }
  const https = (issuer: typeof authority) =>
    createHttpsServer(issuer.issue({ names: ['127.0.0.1', 'site.test'] }), (_request, response) =>
      response.end('hello'),
    )
  const control = () => createHttpServer((_request, response) => response.end('success'))
  const resetter = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.resetAndDestroy())
  })
  const controls = [control(), control()]
  const controlPorts = await Promise.all(controls.map(listen))
  const goodPort = await listen(https(authority))
  const inputs = {
    good: `https://127.0.0.1:${goodPort}/`,
    named: `https://site.test:${goodPort}/`,
    reset: `https://127.0.0.1:${await listen(resetter)}/`,
    foreign: `https://127.0.0.1:${await listen(https(stranger))}/`,
    gone: `https://127.0.0.1:${await unusedPort()}/`,
  }
  const dnsPort = await startResolver(open)

  const folder = temporaryFolder('internet')
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, authority.caPem)
  const listFile = join(folder, 'list.json')
  const { entries = [], ...beside } = further({ dns: dnsPort, https: goodPort, http: controlPorts[0] ?? 0 })
  const sites = Object.values(inputs).map((input) => ({
    nettest: 'web_connectivity',
    input,
    category_code: 'MISC',
  }))
  writeFileSync(
    listFile,
    JSON.stringify({
      name: 'loopback',
      version: 1,
      entries: [...sites, ...entries],
      controls: controlPorts.map((port) => ({
        url: `http://127.0.0.1:${port}/`,
        expect: { status: 200, body: 'success' },
      })),
      resolvers: [{ transport: 'udp', ip: '127.0.0.1', port: dnsPort }],
      helpers,
      ...beside,
    }),
  )
  const configFile = join(folder, 'config.json')
  const config = {
    ...agreed,
    lab: true,
    test_list: listFile,
    extra_ca: [caFile],
    probe_cc: 'ML',
    probe_asn: 'AS30985',
    jitter_seconds: 0,
    repeat_after_seconds: 0,
  }
  writeFileSync(configFile, JSON.stringify(config))
  return {
    agentArguments: ['--config', configFile],
    inputs,
    dropControls() {
      for (const server of controls) {
        server.close()
        server.closeAllConnections()
      }
    },
    close() {
      for (const server of open) server.close()
    },
  }
}

/** Answers site.test with loopback and everything else with NXDOMAIN. */
async function startResolver(open: { close(): unknown }[]): Promise<number> {
  const socket = createSocket('udp4')
  open.push(socket)
  socket.on('message', (message, from) => {
    const query = decode(message)
    const question = query.questions?.[0]
    const known = question?.name === 'site.test' && question.type === 'A'
    const reply = encode({
      type: 'response',
      id: query.id ?? 0,
      flags: known ? 0x180 : 0x183,
      questions: query.questions ?? [],
      answers: known ? [{ type: 'A', name: 'site.test', ttl: 60, data: '127.0.0.1' }] : [],
    })
    socket.send(reply, from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()))
  return socket.address().port
}

/** A port that nothing listens on: one that was given out and handed back. */
async function unusedPort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
