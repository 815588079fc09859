// What probe and helper offer in a handshake: the same bytes, since what a server refuses of one of two offers is no finding
// about a network. The server name is in host-text.ts; the protocols (ALPN) are the caller's.

import { constants } from 'node:crypto'

/**
 * TLS 1.3's suites, then those that browsers offer for 1.2, RSA key exchange included: a site with an old server must
 * not look blocked. `@SECLEVEL=1` because the default is 1 on Node.js 20 and 2 on 24, and a short RSA key would be a
 * failure on one and not on the other.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
  '@SECLEVEL=1',
].join(':')

/**
 * The post-quantum group of Node.js 22 and later is left out: with it, the hello has 1,604 bytes and needs two
 * segments.
 */
const groups = 'X25519:P-256:P-384'

/** The algorithms that Chrome offers, in its order. */
const signatureAlgorithms = [
  'ecdsa_secp256r1_sha256',
  'rsa_pss_rsae_sha256',
  'rsa_pkcs1_sha256',
  'ecdsa_secp384r1_sha384',
  'rsa_pss_rsae_sha384',
  'rsa_pkcs1_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha512',
].join(':')

/** The part of the settings of a TLS context that shows on the wire, as Node.js wants it. */
export const clientHello = {
  ciphers,
  ecdhCurve: groups,
  sigalgs: signatureAlgorithms,
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  // Servers that do not know RFC 5746 are spoken to, as browsers do: OpenSSL 3 would end the handshake itself, and its refusal
  // would read as the server's. Nothing is ever renegotiated here.
  secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
} as const
