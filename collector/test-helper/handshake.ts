// One TLS handshake over a connected socket, and the verdict on the certificate: dates, then name, then path, as
// tests-spec/data-formats/failure.md has it. OpenSSL alone would name whichever fault it found first.

import { X509Certificate } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { failureOfVerdict } from '../../tests-spec/data-formats/system-failure.ts'
import { clientHello } from '../../tests-spec/nettests/client-hello.ts'
import { serverNameOf } from '../../tests-spec/nettests/host-text.ts'
import { firstOf } from './deadline.ts'
import { endOfStream, failureOf } from './failure.ts'

export interface HandshakeOptions {
  /** Name that the certificate must be for, and that is sent as the server name unless it is an IP literal. */
  readonly host: string
  readonly alpn: readonly string[]
  readonly trust: tls.SecureContext
}

/**
 * The roots that came with this Node.js, whatever the system or the environment says, so that two helpers agree.
 *
 * @param extraCa - PEM certificates, for laboratories.
 */
export function makeTrust(extraCa: readonly string[] = []): tls.SecureContext {
  return tls.createSecureContext({
    ca: [...tls.rootCertificates, ...extraCa],
    ...clientHello,
  })
}

/**
 * @param socket - Connected, with nothing read from it yet. The caller destroys it, which ends the TLS socket as
 * well.
 * @returns The TLS socket when the certificate is good; otherwise the failure.
 */
export async function handshake(
  socket: net.Socket,
  { host, alpn, trust }: HandshakeOptions,
  signal: AbortSignal,
): Promise<tls.TLSSocket | Failure> {
  if (signal.aborted) return 'generic_timeout_error'
  // The socket closed before its events were listened to, and would never report that again.
  if (socket.destroyed) return failureOf(socket.errored ?? endOfStream())
  const secured = tls.connect({
    socket,
    secureContext: trust,
    ...(net.isIP(host) === 0 && { servername: serverNameOf(host) }),
    ALPNProtocols: [...alpn],
    rejectUnauthorized: false,
    // The name is judged below.
    checkServerIdentity: () => undefined,
  })
  secured.on('error', () => {})
  const failure = await firstOf<Failure | null>(signal, 'generic_timeout_error', (settle) => {
    secured.once('secureConnect', () => settle(certificateFailure(secured, host)))
    secured.once('error', (error) => settle(failureOf(error)))
    secured.once('close', () => settle(failureOf(endOfStream())))
  })
  if (failure === null) return secured
  secured.destroy()
  return failure
}

function certificateFailure(secured: tls.TLSSocket, host: string): Failure | null {
  try {
    // `getPeerX509Certificate()` would keep the rest of the chain for good (docs/node-leak.md).
    const { raw } = secured.getPeerCertificate() ?? {}
    if (raw === undefined) return 'ssl_invalid_certificate'
    const leaf = new X509Certificate(raw)
    const now = Date.now()
    if (now < Date.parse(leaf.validFrom) || now > Date.parse(leaf.validTo)) return 'ssl_invalid_certificate'
    if (tls.checkServerIdentity(host, leaf.toLegacyObject() as tls.PeerCertificate) !== undefined) {
      return 'ssl_invalid_hostname'
    }
    if (secured.authorized) return null
    // The error has always been a string; `@types/node` says Error.
    return failureOfVerdict(String(secured.authorizationError))
  } catch {
    // Node.js throws on fields that it cannot parse; a certificate with such a field is not a good one.
    return 'ssl_invalid_certificate'
  }
}
