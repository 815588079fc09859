// The roots that a chain is checked against, and the settings of the ClientHello. Both are fixed here so that two
// probes on one line send the same bytes and judge by roots whose name is recorded with every measurement.
// certificate-faults.ts judges a single chain.

import { createHash } from 'node:crypto'
import tls from 'node:tls'
import type { Trust } from './trace.ts'

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

/**
 * Makes the trust that every handshake of a process shares: the roots that came with this Node.js, and `extraCa`. The
 * system's store, NODE_EXTRA_CA_CERTS and the like are not used, because the recorded name would not show them.
 *
 * @param options.roots - PEM certificates, in place of those that came with this Node.js.
 * @param options.extraCa - PEM certificates.
 * @returns Its name is `node-<version>-roots-<8 hex>`, where the hex digits are from the SHA-256 over the sorted
 * roots.
 */
export function makeTrust(
  options: { readonly roots?: readonly string[]; readonly extraCa?: readonly string[] } = {},
): Trust {
  const roots = [...(options.roots ?? tls.rootCertificates), ...(options.extraCa ?? [])]
  const secureContext = tls.createSecureContext({
    ca: roots,
    ciphers,
    ecdhCurve: groups,
    sigalgs: signatureAlgorithms,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
  })
  const sorted = roots.map((pem) => pem.trim()).sort()
  const hash = createHash('sha256').update(sorted.join('\n')).digest('hex').slice(0, 8)
  return { secureContext, name: `node-${process.versions.node}-roots-${hash}`, roots }
}
