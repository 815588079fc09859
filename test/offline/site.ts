// One site as the agent measures it: records of the shape and the variety that the built agent makes in the laboratory,
// under a name of documentation. What stays from one measurement to the next is the site's; what does not is chance:
// times around a mobile link's, the resolver's remaining TTL, which of a CDN's addresses, the headers that never repeat.

import { createHash } from 'node:crypto'
import { encode } from 'dns-packet'
import type {
  DnsQuery,
  HttpRequest,
  Observations,
  TcpConnect,
  TlsHandshake,
} from '../../tests-spec/data-formats/observation.ts'

/** From 0 to below 1. */
export type Chance = () => number

const neutral = { host: 'neutral.example', ip: '21.0.0.27' }
const foreignName = 'control.example'
/** How long the agent waits for a second, contradicting DNS reply. */
const lateReplySeconds = 0.5

export class Site {
  readonly host: string
  readonly #index: number
  /** Where the first hop leads; null for seven of eight. */
  readonly #moved: Site | null
  readonly #addresses: readonly string[]
  /** Median round trip, seconds: the radio's and the distance's. */
  readonly #roundTrip: number
  readonly #protocol: 'h2' | 'http/1.1'
  readonly #chain: readonly string[]
  readonly #bytesOfChain: number

  /** @param index - Sites with different indexes differ. */
  constructor(index: number) {
    const name = (at: number) => words[digest(`name ${index}`).readUInt8(at) % words.length]
    this.host = `${index % 3 === 0 ? '' : 'www.'}${name(0)}-${name(1)}-${index}.example`
    this.#index = index
    this.#moved = index % 8 === 5 && index < 1_000 ? new Site(index + 1_000) : null
    this.#addresses = Array.from({ length: 1 + (index % 4) }, (_, at) => addressOf(`${index}`, at))
    this.#roundTrip = 0.09 + digest(`round trip ${index}`).readUInt8() / 2_000
    this.#protocol = index % 4 === 0 ? 'http/1.1' : 'h2'
    // A leaf of its own, an intermediate of the few that there are; some send the root along.
    const chain = [
      bytesOf(`leaf ${index}`, 1_100 + (index % 5) * 90),
      bytesOf(`intermediate ${index % 5}`, 1_250),
    ]
    if (index % 3 === 1) chain.push(bytesOf(`root ${index % 5}`, 1_380))
    this.#chain = chain.map((bytes) => bytes.toString('base64'))
    this.#bytesOfChain = chain.reduce((sum, { length }) => sum + length, 0)
  }

  get url(): string {
    return `https://${this.host}/`
  }

  /** @param startedMs - Wall clock, for the `Date` of the answer. */
  reached(chance: Chance, startedMs: number): Seen {
    const hops: Seen[] = []
    let from = 0
    for (let hop: Site | null = this, depth = 0; hop !== null; hop = hop.#moved, depth++) {
      const seen = hop.#hop(chance, { depth, from, startedMs })
      from = seen.endedAt
      hops.push(seen)
    }
    return {
      observations: joined(hops.map(({ observations }) => observations)),
      bytes: {
        sent: hops.reduce((sum, { bytes }) => sum + bytes.sent, 0),
        received: hops.reduce((sum, { bytes }) => sum + bytes.received, 0),
      },
      endedAt: from,
    }
  }

  /** A reset in answer to its name, wherever that is sent: with the follow-ups that tell name from host. */
  resetByName(chance: Chance): Seen {
    const ticks = new Ticks(chance, 0)
    const { queries, address } = this.#resolve(ticks, 0)
    const shake = (id: number, ip: string, name: string, tags: string[]) => {
      const connect = this.#connect(ticks, ip, id, tags)
      const cut = name === this.host
      const handshake = this.#handshake(ticks, { ip, name, id, tags, cut })
      return { connect, handshake }
    }
    const classic = ['depth=0', 'classic']
    const steps = [
      shake(50_001, address, this.host, classic),
      shake(50_002, address, neutral.host, [...classic, 'followup=neutral_name']),
      shake(50_003, address, this.host, [...classic, 'followup=same_name']),
    ]
    const found = systemQuery(ticks, neutral.host, [neutral.ip], ['followup=neutral_host'], 10_002)
    steps.push(
      shake(50_004, neutral.ip, foreignName, ['depth=0', 'followup=foreign_name']),
      shake(50_005, neutral.ip, this.host, ['depth=0', 'followup=neutral_address']),
    )
    return {
      observations: {
        queries: [...queries, found],
        tcp_connect: steps.map(({ connect }) => connect),
        tls_handshakes: steps.map(({ handshake }) => handshake),
        requests: [],
        network_events: [],
      },
      bytes: { sent: 1_805, received: 2_900 + 2 * this.#bytesOfChain + whole(chance, 6) },
      endedAt: ticks.now,
    }
  }

  #hop(chance: Chance, { depth, from, startedMs }: { depth: number; from: number; startedMs: number }): Seen {
    const ticks = new Ticks(chance, from)
    const tags = [`depth=${depth}`, 'classic']
    const { queries, address, others } = this.#resolve(ticks, depth)
    const id = 50_001 + 2 * depth
    const begun = ticks.now
    const connect = this.#connect(ticks, address, id, tags)
    // The second address of two is connected to at the same time.
    const beside = others
      .slice(0, 1)
      .map((ip): TcpConnect => this.#connect(new Ticks(chance, begun), ip, id + 1, tags))
    const handshake = this.#handshake(ticks, { ip: address, name: this.host, id, tags, cut: false })
    const request = this.#request(ticks, { ip: address, id, tags, startedMs })
    return {
      observations: {
        queries,
        tcp_connect: [connect, ...beside],
        tls_handshakes: [handshake],
        requests: [request],
        network_events: [],
      },
      bytes: {
        sent: 610 + 2 * this.host.length + whole(chance, 3),
        received: 1_100 + this.#bytesOfChain + whole(chance, 40),
      },
      endedAt: ticks.now,
    }
  }

  #resolve(ticks: Ticks, depth: number): { queries: DnsQuery[]; address: string; others: readonly string[] } {
    const { chance } = ticks
    // Every third is a CDN's, which gives one of several each time; the others give all, always.
    const all =
      this.#index % 3 === 0 ? [this.#addresses[whole(chance, this.#addresses.length)] ?? ''] : this.#addresses
    const begun = ticks.now
    const fromSystem = systemQuery(ticks, this.host, all, [`depth=${depth}`, 'classic'], 10_001 + depth)
    const beside = new Ticks(chance, begun)
    const t0 = beside.soon()
    const t = beside.after(this.#roundTrip)
    const ttl = 1 + whole(chance, 300)
    const answers = all.map((data) => ({ type: 'A' as const, name: this.host, ttl, data }))
    const questions = [{ type: 'A' as const, name: this.host }]
    const reply = encode({ type: 'response', id: whole(chance, 65_536), flags: 0x180, questions, answers })
    const fromNamed: DnsQuery = {
      engine: 'udp',
      hostname: this.host,
      query_type: 'A',
      failure: null,
      answers: all.map((ipv4) => ({ answer_type: 'A', ipv4, ttl })),
      resolver_address: `${resolvers[whole(chance, resolvers.length)]}:53`,
      resolver_hostname: null,
      resolver_port: null,
      raw_response: reply.toString('base64'),
      rcode: 0,
      t0,
      t,
      transaction_id: 20_001 + depth,
      tags: [`depth=${depth}`],
    }
    ticks.now = Math.max(ticks.now, beside.now + lateReplySeconds)
    const [address = '', ...others] = all
    return { queries: [fromSystem, fromNamed], address, others }
  }

  #connect(ticks: Ticks, ip: string, id: number, tags: readonly string[]): TcpConnect {
    const t0 = ticks.soon()
    const t = ticks.after(this.#roundTrip)
    const status = { success: true, failure: null }
    return { ip, port: 443, status, t0, t, transaction_id: id, tags: [...tags] }
  }

  #handshake(
    ticks: Ticks,
    {
      ip,
      name,
      id,
      tags,
      cut,
    }: { ip: string; name: string; id: number; tags: readonly string[]; cut: boolean },
  ): TlsHandshake {
    const t0 = ticks.soon()
    const t = ticks.after(1.2 * this.#roundTrip)
    return {
      network: 'tcp',
      address: `${ip}:443`,
      server_name: name,
      failure: cut ? 'connection_reset' : null,
      tls_version: cut ? '' : 'TLSv1.3',
      cipher_suite: cut ? '' : 'TLS_AES_256_GCM_SHA384',
      negotiated_protocol: cut ? '' : this.#protocol,
      no_tls_verify: false,
      peer_certificates: cut ? [] : this.#chain.map((data) => ({ data, format: 'base64' })),
      // A signature in DER is a byte longer or shorter.
      x_sonde_bytes_received: cut ? 0 : 480 + this.#bytesOfChain + whole(ticks.chance, 3),
      x_sonde_bytes_sent: 260 + name.length,
      t0,
      t,
      transaction_id: id,
      tags: [...tags],
    }
  }

  #request(
    ticks: Ticks,
    { ip, id, tags, startedMs }: { ip: string; id: number; tags: readonly string[]; startedMs: number },
  ): HttpRequest {
    const { chance } = ticks
    const t0 = ticks.soon()
    const t = ticks.after(1.1 * this.#roundTrip)
    const sent: [string, string][] = [['Host', this.host], ...everyRequest]
    const moved: [string, string][] = this.#moved === null ? [] : [['Location', this.#moved.url]]
    const received: [string, string][] = [
      ['Date', new Date(startedMs + 1000 * t).toUTCString()],
      ['Content-Type', 'text/html; charset=utf-8'],
      ...moved,
      ...Array.from({ length: 8 + (this.#index % 8) }, (_, at): [string, string] => [
        headerNames[(at + this.#index) % headerNames.length] ?? '',
        bytesOf(`${this.#index} header ${at}`, 6 + 9 * (at % 4)).toString('hex'),
      ]),
      ['Set-Cookie', '[scrubbed]'],
      ['X-Request-Id', bytesOf(`${chance()}`, 16).toString('hex')],
      ['Etag', `"${bytesOf(`${chance()}`, 8).toString('hex')}"`],
    ]
    return {
      network: 'tcp',
      address: `${ip}:443`,
      alpn: this.#protocol,
      failure: null,
      request: {
        method: 'HEAD',
        url: this.url,
        headers: Object.fromEntries(sent),
        headers_list: sent,
        body: '',
        body_is_truncated: false,
        x_transport: 'tcp',
      },
      response: {
        code: this.#moved === null ? 200 : 301,
        headers: Object.fromEntries(received),
        headers_list: received,
        body: '',
        body_is_truncated: false,
      },
      t0,
      t,
      transaction_id: id,
      tags: [...tags],
    }
  }
}

/** What was seen of a site, before any rule. */
export interface Seen {
  readonly observations: Observations
  readonly bytes: { readonly sent: number; readonly received: number }
  /** Seconds since the measurement began. */
  readonly endedAt: number
}

/** Time within one measurement, as its clock gives it: nanoseconds in a float. */
export class Ticks {
  now: number
  readonly chance: Chance

  constructor(chance: Chance, from: number) {
    this.chance = chance
    this.now = from
  }

  /** Our own work between two steps. */
  soon(): number {
    this.now += 0.0002 + 0.0006 * this.chance()
    return this.now
  }

  /** About `seconds`, a third more at most times and sometimes the double: what a radio adds. */
  after(seconds: number): number {
    const late = this.chance()
    this.now += seconds * (1 + 0.3 * this.chance() + (late > 0.97 ? late : 0))
    return this.now
  }
}

export function systemQuery(
  ticks: Ticks,
  hostname: string,
  addresses: readonly string[],
  tags: readonly string[],
  id: number,
): DnsQuery {
  const t0 = ticks.soon()
  const t = ticks.after(0.05)
  const answers = addresses.map((ipv4) => ({ answer_type: 'A', ipv4, ttl: null }))
  const nobody = { resolver_address: '', resolver_hostname: null, resolver_port: null }
  const what = { engine: 'getaddrinfo' as const, hostname, query_type: 'ANY', failure: null, answers }
  return { ...what, ...nobody, t0, t, transaction_id: id, tags: [...tags] }
}

const resolvers = ['203.0.113.9', '203.0.113.1', '203.0.113.8', '203.0.113.222']
const words = 'river market news voice press green open free radio sahel bridge school tower mail'.split(' ')
const headerNames = (
  'Server Cache-Control Strict-Transport-Security X-Frame-Options Vary Alt-Svc Content-Security-Policy Report-To ' +
  'Nel Referrer-Policy X-Content-Type-Options Permissions-Policy Accept-Ranges Expires Last-Modified'
).split(' ')
const everyRequest: [string, string][] = [
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['Accept-Language', 'en-US,en;q=0.9'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
]

function joined(all: readonly Observations[]): Observations {
  return {
    queries: all.flatMap(({ queries }) => queries),
    tcp_connect: all.flatMap(({ tcp_connect }) => tcp_connect),
    tls_handshakes: all.flatMap(({ tls_handshakes }) => tls_handshakes),
    requests: all.flatMap(({ requests }) => requests).reverse(),
    network_events: [],
  }
}

/** Of 21/8, which nobody announces: the ranges for documentation would be bogons to the rules. */
function addressOf(name: string, at: number): string {
  const [a = 0, b = 0] = digest(`address ${name}`)
  return `21.${a}.${b}.${10 + at}`
}

const whole = (chance: Chance, below: number) => Math.floor(chance() * below)

/** Bytes without any pattern, the same for the same name. */
function bytesOf(name: string, length: number): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, part) => digest(`${name} ${part}`))
  return Buffer.concat(parts).subarray(0, length)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
