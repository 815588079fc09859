// Sites that harm who measures them, against the built agent: answers without end, slow, unpacking to gigabytes, led around in
// circles. Each costs no more bytes and memory than it may, the cycle goes on to the next target, and what was measured is kept.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentBundle, cleanEnvironment, sonde, temporaryFolder } from '../support/processes.ts'
import { deep } from './attackers.ts'

/** MiB that the agent may take at most, whatever it measures. */
const mostMiB = 200
/** Bytes of one site that the agent may read, with what was on its way when it closed. */
const mostBytes = 24 * 1024 * 1024
const bombMiB = deep ? 1_024 : 64

interface Site {
  readonly url: string
  /** Bytes that the site could hand to the system. */
  readonly sent: () => number
  readonly requests: () => number
}

const open: Server[] = []
afterAll(() => {
  for (const server of open) server.close()
})

async function listen(server: Server): Promise<number> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function raw(conduct: (socket: Socket, n: number) => void): Promise<Site> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => conduct(socket, sockets.length))
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/`,
    sent: () => sockets.reduce((sum, each) => sum + each.bytesWritten - each.writableLength, 0),
    requests: () => sockets.length,
  }
}

/** Writes for as long as the other side reads. */
function endless(socket: Socket, head: string, piece: string): void {
  socket.write(head)
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once('drain', more)
  }
  more()
}

const attacks: readonly (readonly [string, (socket: Socket, n: number) => void])[] = [
  [
    'headers without end',
    (socket) => endless(socket, 'HTTP/1.1 200 OK\r\n', `X-A: ${'a'.repeat(8_000)}\r\n`),
  ],
  ['one header without end', (socket) => endless(socket, 'HTTP/1.1 200 OK\r\nX-A: ', 'a'.repeat(65_536))],
  [
    'a body without end',
    (socket) => endless(socket, 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n', 'a'.repeat(65_536)),
  ],
  [
    'chunks without end',
    (socket) =>
      endless(socket, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `1\r\na\r\n`.repeat(10_000)),
  ],
  [
    'a chunk as long as a number can say',
    (socket) =>
      endless(
        socket,
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n',
        'a'.repeat(65_536),
      ),
  ],
  [
    'interim answers without end',
    (socket) => endless(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000)),
  ],
  ['no HTTP without end', (socket) => endless(socket, '', '\u0000'.repeat(65_536))],
  [
    'redirects without end',
    (socket, n) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: /${n}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
  ],
  [
    'a Location of a megabyte',
    (socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: /${'a'.repeat(1_000_000)}\r\nContent-Length: 0\r\n\r\n`),
  ],
]

describe('a site that sends', () => {
  it.concurrent.each(attacks)(
    '%s takes neither memory nor the cycle',
    async (_, conduct) => {
      const site = await raw(conduct)
      const { code, most, results } = await measured(site.url)
      expect(code).toBe(0)
      expect(most).toBeLessThan(mostMiB)
      expect(site.sent()).toBeLessThan(mostBytes)
      expect(site.requests()).toBeLessThan(40)
      expect(results).toBeGreaterThanOrEqual(2)
    },
    150_000,
  )

  it(`${bombMiB} MiB in a few kilobytes takes neither memory nor the cycle`, async () => {
    const bomb = gzipSync(Buffer.alloc(bombMiB * 1024 * 1024))
    let asked = 0
    const server = createHttpServer((_request, response: ServerResponse) => {
      asked += 1
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/html' })
      response.end(bomb)
    })
    const port = await listen(server)
    const { code, most, results } = await measured(`http://127.0.0.1:${port}/`)
    expect(code).toBe(0)
    expect(asked).toBeGreaterThan(0)
    expect(most).toBeLessThan(mostMiB)
    expect(results).toBeGreaterThanOrEqual(2)
  }, 150_000)
})

let good: string
beforeAll(async () => {
  const server = createHttpServer((_request, response) => response.end('hello'))
  good = `http://127.0.0.1:${await listen(server)}/`
})

/** Measures the site and, behind it, one that is well; what was kept is read from the spool by the next command. */
async function measured(url: string): Promise<{ code: number | null; most: number; results: number }> {
  const folder = temporaryFolder('hostile')
  mkdirSync(join(folder, 'state'))
  const entries = [url, good].map((input) => ({ nettest: 'web_connectivity', input, category_code: 'MISC' }))
  const controls = [{ url: good, expect: { status: 200, body: 'hello' } }]
  const list = { name: 'hostile', version: 1, entries, controls, resolvers: [] }
  writeFileSync(join(folder, 'list.json'), JSON.stringify(list))
  const config = { lab: true, test_list: join(folder, 'list.json'), repeat_after_seconds: 0 }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  // The program says itself at its end what it took at most.
  const report = join(folder, 'report.mjs')
  writeFileSync(
    report,
    "process.on('exit', () => process.stderr.write('MOST ' + process.resourceUsage().maxRSS))\n",
  )
  const state = join(folder, 'state')
  const argv = [
    '--import',
    report,
    agentBundle,
    'once',
    '--state',
    state,
    '--config',
    join(folder, 'config.json'),
  ]
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: cleanEnvironment(),
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  const [, kB = 'NaN'] = /MOST (\d+)/.exec(said) ?? []
  const { out } = await sonde(['status', '--json', '--state', state])
  return { code, most: Math.round(Number(kB) / 1024), results: JSON.parse(out).spool.unsealed }
}
