// Proxies on loopback, over real sockets, which record what clients told them: HTTP CONNECT and SOCKS5, and a plain
// TCP relay that goes silent after a number of bytes. They close with the test that opened them.

import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { onTestFinished } from 'vitest'

export interface TestProxy {
  readonly host: string
  readonly port: number
  /** Targets that clients asked for, as they were written. */
  readonly asked: string[]
  /** First lines, credentials and the like, as they came. */
  readonly heard: string[]
}

/** @param conduct - Gets each client's socket, which is not paused and has a listener for errors. */
async function listen(conduct: (client: net.Socket) => void): Promise<{ host: string; port: number }> {
  const clients = new Set<net.Socket>()
  const server = net.createServer((client) => {
    clients.add(client)
    client.on('error', () => {}).on('close', () => clients.delete(client))
    conduct(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        for (const client of clients) client.destroy()
        server.close(() => resolve())
      }),
  )
  return { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port }
}

/** Passes bytes in both directions until either side ends. */
function join(client: net.Socket, target: net.Socket): void {
  target.on('error', () => client.destroy())
  client.on('close', () => target.destroy())
  target.on('close', () => client.destroy())
  client.pipe(target).pipe(client)
}

/**
 * @param reply - Answer to the request for a target; null accepts the request.
 * @param resolve - Address that a target leads to.
 */
export async function connectProxy(
  resolve: (target: string) => number,
  reply: (head: string) => string | null = () => null,
): Promise<TestProxy> {
  const asked: string[] = []
  const heard: string[] = []
  const where = await listen((client) => {
    let head = ''
    const take = (chunk: Buffer) => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      client.off('data', take).pause()
      heard.push(head)
      const target = /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? ''
      asked.push(target)
      const refusal = reply(head)
      if (refusal !== null) return void client.end(refusal)
      const upstream = net.connect(resolve(target), '127.0.0.1')
      upstream.once('connect', () => {
        client.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n')
        join(client, upstream)
      })
      upstream.once('error', () => client.end('HTTP/1.1 502 Bad gateway\r\n\r\n'))
    }
    client.on('data', take)
  })
  return { ...where, asked, heard }
}

export interface SocksConduct {
  /** Method that the proxy chooses; absent: the first one offered. */
  readonly method?: number
  /** Reply code of RFC 1928 §6; 0 accepts the request. */
  readonly code?: number
  readonly password?: string
  /** Bytes for the address that the proxy bound, which a client must be able to skip. */
  readonly bound?: Buffer
  /** Version that the proxy sends in place of 5. */
  readonly version?: number
}

export async function socksProxy(
  resolve: (target: string) => number,
  {
    code = 0,
    password,
    bound = Buffer.from([1, 0, 0, 0, 0, 0, 0]),
    version = 5,
    ...conduct
  }: SocksConduct = {},
): Promise<TestProxy> {
  const asked: string[] = []
  const heard: string[] = []
  const where = await listen(async (client) => {
    const read = reader(client)
    try {
      const [, count = 0] = await read(2)
      const methods = await read(count)
      const method = conduct.method ?? methods[0] ?? 255
      client.write(Buffer.from([version, method]))
      if (method === 2) {
        const [, userLength = 0] = await read(2)
        const user = (await read(userLength)).toString()
        const given = (await read((await read(1))[0] ?? 0)).toString()
        heard.push(`${user}:${given}`)
        client.write(Buffer.from([1, given === password ? 0 : 1]))
        if (given !== password) return void client.end()
      }
      const [, , , type = 0] = await read(4)
      const name = type === 3 ? (await read((await read(1))[0] ?? 0)).toString() : null
      const address = name ?? (await read(type === 1 ? 4 : 16)).toString('hex')
      const target = `${address}:${(await read(2)).readUInt16BE()}`
      asked.push(target)
      heard.push(`type ${type}`)
      if (code !== 0) return void client.end(Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]))
      const upstream = net.connect(resolve(target), '127.0.0.1')
      await once(upstream, 'connect')
      // The reply comes in two pieces, as from a slow proxy.
      client.write(Buffer.from([5, 0, 0]))
      setImmediate(() => {
        client.write(bound)
        join(client, upstream)
      })
    } catch {
      client.destroy()
    }
  })
  return { ...where, asked, heard }
}

/** Reads exactly `count` bytes, and leaves the rest in the socket. */
function reader(socket: net.Socket): (count: number) => Promise<Buffer> {
  return async (count) => {
    if (count === 0) return Buffer.alloc(0)
    for (;;) {
      const bytes: Buffer | null = socket.read(count)
      if (bytes !== null) return bytes
      if (socket.destroyed || socket.readableEnded) throw new Error('ended')
      await Promise.race([once(socket, 'readable'), once(socket, 'close')])
    }
  }
}

export interface SilentRelay extends Pick<TestProxy, 'host' | 'port'> {
  /** Number of connections so far. */
  readonly connections: () => number
  /** Bytes passed from clients to the target, over all connections. */
  readonly passed: () => number
  /** Discards what comes from the target on a connection, by the connection's number. */
  mute(connection: number): void
}

/**
 * Passes bytes on and, on some connections, goes silent after a number of bytes from the client: it refuses nothing
 * and sends nothing back, as on a flow that a middlebox has forgotten.
 *
 * @param silentAfter - Gives this number of bytes for the connection's number, from 0; null for never.
 */
export async function silentRelay(
  port: number,
  silentAfter: (connection: number) => number | null,
): Promise<SilentRelay> {
  let connections = 0
  let passed = 0
  const muted = new Set<number>()
  const where = await listen((client) => {
    const number = connections++
    const limit = silentAfter(number)
    const upstream = net.connect(port, '127.0.0.1')
    let here = 0
    // Once a connection is silent, neither end notices that the other end closes.
    const isSilent = () => limit !== null && here >= limit
    upstream.on('error', () => {})
    upstream.on('data', (chunk) => {
      if (!isSilent() && !muted.has(number)) client.write(chunk)
    })
    upstream.on('close', () => {
      if (!isSilent()) client.destroy()
    })
    client.on('data', (chunk: Buffer) => {
      if (isSilent()) return
      const room = limit === null ? chunk.length : Math.min(chunk.length, limit - here)
      here += room
      passed += room
      upstream.write(chunk.subarray(0, room))
    })
    client.on('close', () => {
      if (!isSilent()) upstream.destroy()
    })
    onTestFinished(() => void upstream.destroy())
  })
  return {
    ...where,
    connections: () => connections,
    passed: () => passed,
    mute: (connection) => void muted.add(connection),
  }
}

export interface CountingRelay {
  readonly port: number
  /** Bytes of payload that crossed the relay, over every connection and flow: from clients, and back to them. */
  bytes(): { readonly sent: number; readonly received: number }
}

/** Passes everything on, over TCP and UDP on the same port number, and counts it. */
export async function countingRelay(port: number): Promise<CountingRelay> {
  const bytes = { sent: 0, received: 0 }
  const where = await listen((client) => {
    const upstream = net.connect(port, '127.0.0.1')
    client.on('data', (chunk: Buffer) => {
      bytes.sent += chunk.length
    })
    upstream.on('data', (chunk) => {
      bytes.received += chunk.length
    })
    join(client, upstream)
  })
  const flows = new Map<number, dgram.Socket>()
  const front = dgram.createSocket('udp4')
  front.on('message', (message, from) => {
    bytes.sent += message.length
    const flow = flows.get(from.port) ?? dgram.createSocket('udp4')
    if (!flows.has(from.port))
      flow.on('message', (reply) => {
        bytes.received += reply.length
        front.send(reply, from.port, from.address)
      })
    flows.set(from.port, flow)
    flow.send(message, port, '127.0.0.1')
  })
  front.bind(where.port, '127.0.0.1')
  await once(front, 'listening')
  onTestFinished(() => {
    for (const socket of [front, ...flows.values()]) socket.close()
  })
  return { port: where.port, bytes: () => ({ ...bytes }) }
}
