// What one operation did: one entry of `queries`, `tcp_connect`, `tls_handshakes`, `requests` or `network_events`.
// OONI's archival formats df-001, df-002, df-005, df-006, df-008 in their modern dialect (`t0`, `t`,
// `transaction_id`, `tags`). Fields of our own begin with `x_sonde_`; observation.md says what each is for.

import * as v from 'valibot'
import { http1Faults } from '../nettests/http1-head.ts'
import { isFailure } from './failure.ts'

/** Seconds since the measurement began, as a float. */
const seconds = v.pipe(v.number(), v.finite(), v.minValue(0))
/** null when nothing failed. */
export const failure = v.nullable(v.pipe(v.string(), v.guard(isFailure, 'expected a failure of df-007')))
const count = v.pipe(v.number(), v.integer(), v.minValue(0))

const timing = {
  t0: seconds,
  t: seconds,
  /**
   * Links the steps of one flow: the connect, the handshake and the round trip that used one socket have the same
   * number.
   */
  transaction_id: count,
  tags: v.array(v.string()),
}

/**
 * Bytes of TCP or UDP payload that the operation gave to its socket and took from it. observation.md says where they
 * are absent.
 */
const bytes = { x_sonde_bytes_received: v.optional(count), x_sonde_bytes_sent: v.optional(count) }

/** Binary data as OONI writes it. */
export const binaryData = v.object({ data: v.string(), format: v.literal('base64') })

export const dnsAnswer = v.looseObject({
  answer_type: v.string(),
  hostname: v.optional(v.string()),
  ipv4: v.optional(v.string()),
  ipv6: v.optional(v.string()),
  ttl: v.nullable(count),
  /** Base64 of the data of a record of type HTTPS, or of a type that has no name here. */
  x_sonde_rdata: v.optional(v.string()),
})

/** One reply that arrived after the first, or did not fit the question: evidence of injection. */
export const lateReply = v.object({ t: seconds, raw: v.string(), addresses: v.array(v.string()) })

export const dnsQuery = v.looseObject({
  ...timing,
  /** `getaddrinfo` is the system's own path; `udp` and `tcp` name a resolver in `resolver_address`. */
  engine: v.picklist(['getaddrinfo', 'udp', 'tcp', 'dot', 'doh']),
  hostname: v.string(),
  query_type: v.string(),
  failure,
  /** null when no reply came that could be read. */
  answers: v.nullable(v.array(dnsAnswer)),
  /** `ip:port` or URL; empty for `getaddrinfo`, which does not tell which resolver it asked. */
  resolver_address: v.string(),
  resolver_hostname: v.null(),
  resolver_port: v.null(),
  /** Base64 of the reply as received. */
  raw_response: v.optional(v.string()),
  rcode: v.optional(count),
  x_sonde_late_replies: v.optional(v.array(lateReply)),
  /**
   * The question was never sent: every lookup of the system's resolver hung. Its failure says nothing about the name.
   */
  x_sonde_not_sent: v.optional(v.literal(true)),
  ...bytes,
})

export const tcpConnect = v.looseObject({
  ...timing,
  ip: v.string(),
  port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535)),
  status: v.looseObject({ success: v.boolean(), failure }),
})

export const tlsHandshake = v.looseObject({
  ...timing,
  network: v.literal('tcp'),
  address: v.string(),
  /** The SNI that was sent; empty when none was sent. */
  server_name: v.string(),
  failure,
  /** `TLSv1` … `TLSv1.3`; empty when no version was agreed. */
  tls_version: v.string(),
  /** IANA name; empty when none was agreed. */
  cipher_suite: v.string(),
  negotiated_protocol: v.string(),
  no_tls_verify: v.boolean(),
  /** Certificates as DER: the chain as sent, also when it did not verify. */
  peer_certificates: v.array(binaryData),
  /** The number of the fatal alert received (RFC 8446 §6), if one was. */
  x_sonde_tls_alert: v.optional(count),
  /** Every fault of the certificate, not only the one in `failure`. */
  x_sonde_certificate_faults: v.optional(v.array(v.string())),
  /** Stands in place of `peer_certificates` that were kept before: SHA-256 of each, in hex, in their order. */
  x_sonde_certificates_sha256: v.optional(v.array(v.string())),
  /** Bytes received before the failure: 0 means nothing came back after the ClientHello. */
  x_sonde_bytes_received: count,
  x_sonde_bytes_sent: count,
})

const headersList = v.array(v.tuple([v.string(), v.string()]))
const maybeBinary = v.union([v.string(), binaryData])

export const httpRequest = v.looseObject({
  ...timing,
  network: v.literal('tcp'),
  address: v.string(),
  alpn: v.string(),
  failure,
  /** The number of the fatal TLS alert received in its place: TLS 1.3 asks for a certificate after the handshake. */
  x_sonde_tls_alert: v.optional(count),
  ...bytes,
  request: v.looseObject({
    method: v.string(),
    url: v.string(),
    headers: v.record(v.string(), v.string()),
    headers_list: headersList,
    body: v.string(),
    body_is_truncated: v.boolean(),
    x_transport: v.literal('tcp'),
  }),
  response: v.looseObject({
    /** Status code; 0 when no status line came. */
    code: count,
    headers: v.record(v.string(), v.string()),
    headers_list: headersList,
    body: maybeBinary,
    body_is_truncated: v.boolean(),
    /**
     * Digest of the body as received, up to the cap, so that bodies can be compared without being kept. Absent
     * without a body.
     */
    x_sonde_body_sha256: v.optional(v.string()),
    /** Of its first 512 bytes, in clear text. */
    x_sonde_body_head_sha256: v.optional(v.string()),
    x_sonde_body_length: v.optional(count),
    /** Seconds from the head to the last byte of body that was kept. */
    x_sonde_body_seconds: v.optional(seconds),
    x_sonde_title: v.optional(v.string()),
    /** What a strict reader would have refused and ours forgave: http-response.md. Absent where nothing. */
    x_sonde_http_faults: v.optional(v.array(v.picklist(http1Faults))),
  }),
})

export const networkEvent = v.looseObject({
  ...timing,
  operation: v.string(),
  failure,
  address: v.optional(v.string()),
  proto: v.optional(v.string()),
  num_bytes: v.optional(count),
})

/** One packet that asks a QUIC server for Version Negotiation: OONI's entry of `pings` in quicping. */
export const quicPing = v.looseObject({
  ...timing,
  network: v.literal('udp'),
  address: v.string(),
  /** Connection ids in hex. */
  conn_id_dst: v.string(),
  conn_id_src: v.string(),
  failure,
  ...bytes,
  /** The packet's header; the bytes behind it are random. */
  request: binaryData,
  responses: v.array(
    v.object({
      t: seconds,
      /** The first bytes of the response, without addresses. */
      response_data: binaryData,
      failure,
      supported_versions: v.array(count),
    }),
  ),
})

/** One STUN transaction. The address in the reply is the probe's own, and is not part of it. */
export const stunBinding = v.looseObject({
  ...timing,
  network: v.literal('udp'),
  address: v.string(),
  failure,
  ...bytes,
  /** How often the request was sent. */
  requests: count,
  /** null when no reply to this request came. */
  response: v.nullable(v.picklist(['success', 'error'])),
  /** null when the reply holds no XOR-MAPPED-ADDRESS that can be read. */
  mapped_address_family: v.nullable(v.picklist(['ipv4', 'ipv6'])),
  error_code: v.nullable(count),
  /** Number of datagrams that came and are no reply to this request. */
  unfit_replies: count,
})

export type DnsAnswer = v.InferOutput<typeof dnsAnswer>
export type DnsQuery = v.InferOutput<typeof dnsQuery>
export type TcpConnect = v.InferOutput<typeof tcpConnect>
export type TlsHandshake = v.InferOutput<typeof tlsHandshake>
export type HttpRequest = v.InferOutput<typeof httpRequest>
export type NetworkEvent = v.InferOutput<typeof networkEvent>
export type QuicPing = v.InferOutput<typeof quicPing>
export type StunBinding = v.InferOutput<typeof stunBinding>

/**
 * The lists that the test_keys of every nettest have. `requests` is newest first, as in OONI's data; the others are
 * oldest first.
 */
export const observations = {
  queries: v.array(dnsQuery),
  tcp_connect: v.array(tcpConnect),
  tls_handshakes: v.array(tlsHandshake),
  requests: v.array(httpRequest),
  network_events: v.array(networkEvent),
}
const observationsObject = v.looseObject(observations)
export type Observations = v.InferOutput<typeof observationsObject>
