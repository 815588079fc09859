// Measures one request: resolves, then tries the endpoints and fetches the page at the same time. Follows
// tests-spec/protocol/test-helper.md, "Method" and "Response". test-helper.ts decides which requests are measured.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { hostOfUrl, isIpLiteral, serverNameOf } from '../../tests-spec/nettests/host-text.ts'
import { titleOf } from '../../tests-spec/nettests/page-title.ts'
import {
  forwardedHeaders,
  ipFlags,
  type TestHelperRequest,
  type TestHelperResponse,
  writeEndpoint,
} from '../../tests-spec/protocol/test-helper.ts'
import { connect } from './connection.ts'
import { within } from './deadline.ts'
import { type Candidate, candidatesOf, type Endpoint, endpointsOf, speaksTls } from './endpoints.ts'
import { handshake } from './handshake.ts'
import { type ChainEnd, followRedirects, type Instruments } from './redirect-chain.ts'
import { dnsWord, httpWord, tcpWord } from './vocabulary.ts'

/** Measures what was asked. Whatever the network does is a value in the answer; an exception is a bug. */
export function measure(
  request: TestHelperRequest,
  instruments: Instruments,
  signal: AbortSignal,
): Promise<TestHelperResponse> {
  return within(signal, instruments.limits.wholeMs, async (end) => {
    const url = new URL(request.http_request)
    const literal = isIpLiteral(hostOfUrl(url))
    const resolution = literal ? null : await instruments.lookup(hostOfUrl(url), end)
    const addrs = resolution?.addresses ?? []
    const candidates = candidatesOf(request.tcp_connect, addrs, instruments.check)

    const [tries, page] = await Promise.all([
      Promise.all(
        endpointsOf(url, candidates).map((endpoint) => tryEndpoint(url, endpoint, instruments, end)),
      ),
      within(end, instruments.limits.httpMs, (own) =>
        followRedirects(url, headersOf(request), resolution, instruments, own),
      ),
    ])
    return {
      tcp_connect: Object.fromEntries(tries.map(({ key, tcp }) => [key, outcome(tcpWord(tcp))])),
      tls_handshake: Object.fromEntries(
        tries.flatMap(({ key, tls }) =>
          tls === undefined ? [] : [[key, { server_name: serverNameOf(hostOfUrl(url)), ...outcome(tls) }]],
        ),
      ),
      quic_handshake: {},
      http_request: describePage(page),
      http3_request: null,
      dns: { failure: dnsWord(resolution?.failure ?? null), addrs: [...addrs] },
      ip_info: Object.fromEntries(candidates.map((each) => [each.name, infoOf(each, tries)])),
    }
  })
}

const outcome = (failure: string | null) => ({ status: failure === null, failure })

/** The first value of each header that the helper forwards. */
function headersOf({ http_request_headers: given }: TestHelperRequest): Record<string, string> {
  const pairs = forwardedHeaders.flatMap((name) => {
    const found = Object.entries(given).find(([each]) => each.toLowerCase() === name.toLowerCase())
    const value = found?.[1][0]
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(pairs)
}

interface Try {
  /** Key of the endpoint in the answer: `IP:PORT`. */
  readonly key: string
  readonly ip: string
  readonly tcp: Failure | null
  /** Absent when there was no handshake. */
  readonly tls?: Failure | null
}

async function tryEndpoint(
  url: URL,
  { name, address, port }: Endpoint,
  { limits, trust }: Instruments,
  signal: AbortSignal,
): Promise<Try> {
  const of = { key: writeEndpoint({ ip: name, port }), ip: name }
  const socket = await within(signal, limits.connectMs, (own) => connect(address, port, own))
  if (typeof socket === 'string') return { ...of, tcp: socket }
  try {
    if (!speaksTls(url, port)) return { ...of, tcp: null }
    const options = { host: hostOfUrl(url), alpn: ['h2', 'http/1.1'], trust }
    const secured = await within(signal, limits.handshakeMs, (own) => handshake(socket, options, own))
    return { ...of, tcp: null, tls: typeof secured === 'string' ? secured : null }
  } finally {
    socket.destroy()
  }
}

function infoOf({ name, flags }: Candidate, tries: readonly Try[]): { asn: number; flags: number } {
  const valid = tries.some(({ ip, tls }) => ip === name && tls === null)
  // The number of the network is 0: the collector finds it in its own table.
  return { asn: 0, flags: flags | (valid ? ipFlags.validForDomain : 0) }
}

function describePage(page: ChainEnd): TestHelperResponse['http_request'] {
  if (page.kind === 'failed') {
    return {
      body_length: -1,
      discovered_h3_endpoint: '',
      failure: httpWord(page.failure, page.operation),
      title: '',
      headers: {},
      status_code: -1,
      ...(page.hosts.length > 1 && { x_sonde_hosts: [...page.hosts] }),
    }
  }
  const { status, headers, body, bodySeconds } = page.response
  return {
    body_length: body.length,
    discovered_h3_endpoint: '',
    failure: null,
    title: titleOf({ body, headersList: headers }) ?? '',
    // The list is reversed, so that the first value of each name is written last.
    headers: Object.fromEntries([...headers].reverse()),
    status_code: status,
    x_sonde_hosts: [...page.hosts],
    ...(bodySeconds !== null && { x_sonde_body_seconds: bodySeconds }),
  }
}
