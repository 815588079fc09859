// The load loop of the benchmark, bundled as the agent is: full checks by the agent's own operations, one after the
// other over two workers, and what they cost. Prints one line of JSON.

import { readFileSync } from 'node:fs'
import { httpRoundTrip } from '../../agent/operations/http-round-trip.ts'
import { offeredProtocols } from '../../agent/operations/offered-protocols.ts'
import { resolveDns } from '../../agent/operations/resolve-dns.ts'
import { tcpConnect } from '../../agent/operations/tcp-connect.ts'
import { tlsHandshake } from '../../agent/operations/tls-handshake.ts'
import type { Bytes, Trace } from '../../agent/operations/trace.ts'
import { makeTrust } from '../../agent/operations/trust.ts'
import { measurementClock, systemClock } from '../../agent/platform/clock.ts'
import { memoryOf } from './process-figures.ts'
import type { TargetPorts } from './target.ts'

export interface LoadOrder extends TargetPorts {
  readonly checks: number
  /** Protocols to offer; null for those that the agent offers on this Node.js. */
  readonly alpn: readonly string[] | null
  /** Path of the root that signed the target's certificate. */
  readonly ca: string
}

export interface LoadFigures {
  readonly startRssMib: number
  readonly endRssMib: number
  readonly peakMib: number
  /** Processor time of this process, user and system. */
  readonly cpuMsPerCheck: number
  /** Processor time over the second half of the run, when everything is warm. */
  readonly warmCpuMsPerCheck: number
  /** Bytes of UDP and TCP payload, in both directions; headers of IP, UDP and TCP are not included. */
  readonly payloadBytesPerCheck: number
}

const hostname = 'target.test'
/** Two at once, as the agent measures: with more, the figures would include waiting in our own queue. */
const workers = 2
const step = { tags: [], timeoutMs: 10_000 }

/** One entry of a test list, as the agent measures it: a HEAD over TLS. */
async function check(trace: Trace, { dns, https, alpn }: LoadOrder): Promise<number> {
  const resolver = { transport: 'udp', ip: '127.0.0.1', port: dns } as const
  const resolution = await resolveDns(trace, resolver, hostname, 'A', {
    ...step,
    transactionId: 1,
    lateReplyMs: 0,
  })
  const [ip] = resolution.addresses
  if (ip === undefined) throw new Error(`resolve: ${resolution.failure}`)
  const connect = await tcpConnect(trace, { ip, port: https }, { ...step, transactionId: 2 })
  if (connect.socket === null) throw new Error(`connect: ${connect.observation.status.failure}`)
  const handshake = await tlsHandshake(trace, connect.socket, {
    ...step,
    transactionId: 2,
    serverName: hostname,
    alpn: alpn ?? offeredProtocols(),
  })
  if (handshake.socket === null) throw new Error(`tls_handshake: ${handshake.observation.failure}`)
  const url = new URL(`https://${hostname}:${https}/`)
  const request = { url, method: 'HEAD', headers: { accept: '*/*', 'user-agent': 'bench' } } as const
  const trip = await httpRoundTrip(trace, handshake.socket, request, {
    ...step,
    transactionId: 2,
    maxBodyBytes: 16_384,
  })
  if (trip.observation.response.code !== 200) throw new Error(`http_round_trip: ${trip.observation.failure}`)
  return total(resolution.bytes) + total(handshake.bytes) + total(trip.bytes)
}

const total = ({ sent, received }: Bytes) => sent + received

async function main(order: LoadOrder): Promise<LoadFigures> {
  const clock = systemClock()
  const trust = makeTrust({ extraCa: [readFileSync(order.ca, 'utf8')] })
  const { signal } = new AbortController()
  const startRssMib = memoryOf('self').rssMib
  const half = order.checks / 2
  let left = order.checks
  let bytes = 0
  let cpuAtHalf = process.cpuUsage()
  const cpuAtStart = process.cpuUsage()
  const work = async () => {
    while (left > 0) {
      left -= 1
      if (left === half) cpuAtHalf = process.cpuUsage()
      const trace: Trace = { clock: measurementClock(clock), sources: null, trust, signal }
      const ofThisOne = await check(trace, order)
      bytes += ofThisOne
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const cpu = process.cpuUsage(cpuAtStart)
  const warm = process.cpuUsage(cpuAtHalf)
  const { rssMib, peakMib } = memoryOf('self')
  return {
    startRssMib,
    endRssMib: rssMib,
    peakMib,
    cpuMsPerCheck: (cpu.user + cpu.system) / 1000 / order.checks,
    warmCpuMsPerCheck: (warm.user + warm.system) / 1000 / half,
    payloadBytesPerCheck: bytes / order.checks,
  }
}

console.log(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '{}') as LoadOrder)))
