// The roots that a chain is checked against, with a ClientHello that is the same for every probe and helper
// (tests-spec/nettests/client-hello.ts): two probes on one line send the same bytes and judge by roots whose name is recorded
// with every measurement.
// certificate-faults.ts judges a single chain.

import { createHash } from 'node:crypto'
import tls from 'node:tls'
import { clientHello } from '../../tests-spec/nettests/client-hello.ts'
import { SentChains } from './sent-chain.ts'
import type { Trust } from './trace.ts'

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
    ...clientHello,
  })
  const sorted = roots.map((pem) => pem.trim()).sort()
  const hash = createHash('sha256').update(sorted.join('\n')).digest('hex').slice(0, 8)
  return {
    secureContext,
    name: `node-${process.versions.node}-roots-${hash}`,
    roots,
    chains: new SentChains(),
  }
}
