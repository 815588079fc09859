// An agent that measures an internet on loopback, with every nettest that names where it asks, and the collector that it
// sends to: built programs, as processes.

import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import { type LoopbackPorts, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import {
  type Ended,
  type RunningCollector,
  sonde,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'

/** What each format is kept as. */
export const exportFiles = {
  jsonl: 'export.jsonl',
  kept: 'kept.jsonl',
} as const

/** Lines that the agent printed itself, in OONI's form. */
export const printedFile = 'once.jsonl'

export interface Laboratory {
  readonly collector: RunningCollector
  /** Lines of `sonde once --ooni`. */
  readonly printed: string
  close(): Promise<void>
}

/** Measures three cycles, so that some evidence is brief and the last is over a link that is down. */
export async function openLaboratory(): Promise<Laboratory> {
  const collector = await startCollector(temporaryFolder('collector'), ['--helper-allow-private'])
  const [mirror, echo] = [createServer(mirrorBack), createServer((socket) => socket.pipe(socket))]
  const [mirrorPort, echoPort] = [await listening(mirror), await listening(echo)]
  const internet = await startLoopbackInternet({
    helpers: [`${collector.url}/v1/web-connectivity`],
    further: (ports) => furtherList(ports, mirrorPort, echoPort),
  })
  const close = async () => {
    internet.close()
    for (const each of [mirror, echo]) each.close()
    await collector.stop()
  }
  const state = temporaryFolder('agent')
  const once = ['once', '--ooni', '--state', state, ...internet.agentArguments]
  try {
    expectDone(await sonde(['enrol', collector.url, await collector.token(), '--state', state]))
    const first = expectDone(await sonde(once))
    const second = expectDone(await sonde(once))
    internet.dropControls()
    const third = expectDone(await sonde(once))
    return { collector, printed: first + second + third, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Writes what readers are given to `folder`. */
export async function measureInto(folder: string): Promise<void> {
  const { collector, printed, close } = await openLaboratory()
  try {
    await writeFile(join(folder, printedFile), printed)
    for (const [format, file] of Object.entries(exportFiles)) {
      const answer = await fetch(`${collector.url}/api/v1/measurements?format=${format}&limit=10000`)
      if (!answer.ok) throw new Error(`Cannot export as ${format}: ${await answer.text()}`)
      await writeFile(join(folder, file), Buffer.from(await answer.arrayBuffer()))
    }
  } finally {
    await close()
  }
}

function expectDone({ code, out, err }: Ended): string {
  if (code !== 0) throw new Error(`sonde ended with ${code}: ${err}`)
  return out
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
}

function furtherList({ dns, https, http }: LoopbackPorts, mirror: number, echo: number): Partial<TestList> {
  const category_code = 'MISC'
  return {
    entries: [
      { nettest: 'dnscheck', input: `udp://127.0.0.1:${dns}`, category_code, options: lookUp('site.test') },
      { nettest: 'dnscheck', input: `https://127.0.0.1:${https}/dns-query`, category_code },
      {
        nettest: 'sni_blocking',
        input: 'blocked.test',
        category_code,
        options: { control_sni: 'site.test', test_helper_address: `localhost:${https}` },
      },
      // Nobody listens for datagrams there.
      { nettest: 'stunreachability', input: `stun://127.0.0.1:${https}`, category_code },
      { nettest: 'quicping', input: '127.0.0.1', category_code, options: { port: https, repetitions: 1 } },
      { nettest: 'service_reachability', input: 'laboratory', category_code },
      {
        nettest: 'tor',
        input: null,
        category_code,
        options: {
          targets: {
            relay: { address: `127.0.0.1:${https}`, protocol: 'or_port' },
            authority: { address: `127.0.0.1:${http}`, protocol: 'dir_port' },
          },
        },
      },
      {
        nettest: 'http_invalid_request_line',
        input: null,
        category_code,
        options: { helper: `127.0.0.1:${echo}` },
      },
      {
        nettest: 'http_header_field_manipulation',
        input: null,
        category_code,
        options: { helper: `http://127.0.0.1:${mirror}/` },
      },
    ],
    services: [
      {
        name: 'laboratory',
        groups: [
          {
            name: 'web',
            needs: 'all',
            endpoints: [{ kind: 'url', url: `http://127.0.0.1:${http}/`, method: 'GET' }],
          },
          {
            name: 'chat',
            needs: 'any',
            endpoints: [{ kind: 'tcp', host: '127.0.0.1', ports: [https, http] }],
          },
        ],
      },
    ],
  }
}

const lookUp = (domain: string) => ({ domain, default_addrs: [] })

/** What OONI's server of this kind answers: the request as it came. By hand, since no HTTP server takes its odd method. */
function mirrorBack(socket: Socket): void {
  socket.on('error', () => {})
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    if (!received.endsWith('\r\n\r\n')) return
    const [request_line = '', ...headers] = received.trimEnd().split('\r\n')
    const pairs = headers.map((line) => line.split(': ')).map(([name = '', value = '']) => [name, [value]])
    const body = JSON.stringify({ request_line, headers_dict: Object.fromEntries(pairs) })
    socket.end(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  })
}
