// Observations as the operations make them, for tests of the rules: one line for each operation.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type {
  DnsQuery,
  HttpRequest,
  Observations,
  TcpConnect,
  TlsHandshake,
} from '../../tests-spec/data-formats/observation.ts'
import {
  type Circumstances,
  earlierFailure,
  type LinkState,
  type Step,
  type Verdict,
} from '../../tests-spec/nettests/verdict.ts'

const timing = { t0: 0.1, t: 0.2 }

export const nothing: Observations = {
  queries: [],
  tcp_connect: [],
  tls_handshakes: [],
  requests: [],
  network_events: [],
}

export function join(...all: readonly Partial<Observations>[]): Observations {
  return {
    queries: all.flatMap((each) => each.queries ?? []),
    tcp_connect: all.flatMap((each) => each.tcp_connect ?? []),
    tls_handshakes: all.flatMap((each) => each.tls_handshakes ?? []),
    requests: all.flatMap((each) => each.requests ?? []).reverse(),
    network_events: [],
  }
}

export function query(
  outcome: Failure | readonly string[],
  { engine = 'getaddrinfo', tags = ['depth=0', 'classic'], hostname = 'site.example', id = 10_001 } = {},
): Partial<Observations> {
  const failure = typeof outcome === 'string' ? outcome : null
  const answers =
    typeof outcome === 'string' ? null : outcome.map((ipv4) => ({ answer_type: 'A', ipv4, ttl: null }))
  const one: DnsQuery = {
    ...timing,
    transaction_id: id,
    tags: [...tags],
    engine: engine as DnsQuery['engine'],
    hostname,
    query_type: engine === 'getaddrinfo' ? 'ANY' : 'A',
    failure,
    answers,
    resolver_address: engine === 'getaddrinfo' ? '' : '198.51.100.53:53',
    resolver_hostname: null,
    resolver_port: null,
    ...(engine === 'getaddrinfo' ? {} : { rcode: failure === 'dns_nxdomain_error' ? 3 : 0 }),
  }
  return { queries: [one] }
}

export function connect(
  failure: Failure | null,
  { tags = ['depth=0', 'classic'], ip = '21.0.0.10', port = 443, id = 50_001 } = {},
): Partial<Observations> {
  const one: TcpConnect = {
    ...timing,
    transaction_id: id,
    tags: [...tags],
    ip,
    port,
    status: { success: failure === null, failure },
  }
  return { tcp_connect: [one] }
}

export function handshake(
  failure: Failure | null,
  { tags = ['depth=0', 'classic'], faults = [] as string[], address = '21.0.0.10:443', id = 50_001 } = {},
): Partial<Observations> {
  const one: TlsHandshake = {
    ...timing,
    transaction_id: id,
    tags: [...tags],
    network: 'tcp',
    address,
    server_name: 'site.example',
    failure,
    tls_version: failure === null ? 'TLSv1.3' : '',
    cipher_suite: failure === null ? 'TLS_AES_128_GCM_SHA256' : '',
    negotiated_protocol: '',
    no_tls_verify: false,
    peer_certificates: [],
    x_sonde_certificate_faults: faults,
    x_sonde_bytes_received: 0,
    x_sonde_bytes_sent: 300,
  }
  return { tls_handshakes: [one] }
}

export function response(
  outcome: Failure | number,
  {
    tags = ['depth=0', 'classic'],
    url = 'https://site.example/',
    address = '21.0.0.10:443',
    id = 50_001,
  } = {},
): Partial<Observations> {
  const one: HttpRequest = {
    ...timing,
    transaction_id: id,
    tags: [...tags],
    network: 'tcp',
    address,
    alpn: 'http/1.1',
    failure: typeof outcome === 'number' ? null : outcome,
    request: {
      method: 'GET',
      url,
      headers: {},
      headers_list: [],
      body: '',
      body_is_truncated: false,
      x_transport: 'tcp',
    },
    response: {
      code: typeof outcome === 'number' ? outcome : 0,
      headers: {},
      headers_list: [],
      body: '',
      body_is_truncated: false,
    },
  }
  return { requests: [one] }
}

export function link(state: LinkState['state'], controlsOk = state === 'up' ? 4 : 0): LinkState {
  return { state, controls_ok: controlsOk, controls: 4, checked_at: null, since: null }
}

export const good: Circumstances = { link: link('up'), clock: 'synced', lab: false, earlier: null }

/** Failures that a network which interferes causes, or a broken site. */
export const cutBySomeone: readonly (readonly [string, Step, Observations])[] = [
  [
    'reset behind the ClientHello',
    'tls_handshake',
    join(query(['21.0.0.10']), connect(null), handshake('connection_reset')),
  ],
  [
    'closed behind the ClientHello',
    'tls_handshake',
    join(query(['21.0.0.10']), connect(null), handshake('eof_error')),
  ],
  ['plain HTTP on 443', 'tls_handshake', join(query(['21.0.0.10']), connect(null), handshake('ssl_not_tls'))],
  [
    'a certificate of an unknown authority',
    'tls_handshake',
    join(query(['21.0.0.10']), connect(null), handshake('ssl_unknown_authority')),
  ],
  [
    'a certificate for another name',
    'tls_handshake',
    join(query(['21.0.0.10']), connect(null), handshake('ssl_invalid_hostname')),
  ],
  [
    'an expired certificate of an unknown authority, the clock right',
    'tls_handshake',
    join(
      query(['21.0.0.10']),
      connect(null),
      handshake('ssl_invalid_certificate', { faults: ['expired', 'ssl_unknown_authority'] }),
    ),
  ],
  [
    'reset behind a clear-text request',
    'http_round_trip',
    join(query(['21.0.0.10']), connect(null), response('connection_reset', { url: 'http://site.example/' })),
  ],
  [
    'a status line nobody writes',
    'http_round_trip',
    join(
      query(['21.0.0.10']),
      connect(null),
      response('http_invalid_response', { url: 'http://site.example/' }),
    ),
  ],
]

interface Judged {
  readonly verdict: Verdict
  readonly parts: Readonly<Record<string, Verdict>>
}

/** The verdict on the same observations when they were also made half a minute before. */
export function judgedAgain(judge: (circumstances: Circumstances) => Judged): Judged {
  const { verdict, parts } = judge(good)
  return judge({ ...good, earlier: earlierFailure(verdict, parts, 30) })
}
