// The `tls_handshake` operation: one handshake over a socket that is connected already. Follows OONI's df-006.
// Node.js is told to accept every certificate, and certificate-faults.ts judges it, so that a forged chain is kept
// and named instead of ending in a single error.

import type { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { TlsHandshake } from '../../tests-spec/data-formats/observation.ts'
import { serverNameOf } from '../../tests-spec/nettests/host-text.ts'
import { bareName, certificateFaults, type Faults } from './certificate-faults.ts'
import { startDeadline } from './deadline.ts'
import { alertOf, failureOf } from './failure.ts'
import type { Bytes, StepOptions, Trace } from './trace.ts'
import { carry, causeOfDeath, countBytes, describeBytes, endOfStream, remoteAddress } from './wire.ts'

export interface TlsHandshakeOptions extends StepOptions {
  /**
   * The SNI to send; null sends none, and neither an IP literal nor a final dot is sent, since RFC 6066 §3 does not allow
   * them there.
   */
  readonly serverName: string | null
  /** Protocols to offer, most wanted first; empty offers none. */
  readonly alpn: readonly string[]
  /** Name that the certificate must be for, when that is not `serverName`. Without both, any name is accepted. */
  readonly verifyName?: string
  /**
   * Milliseconds since 1970, against which the dates of certificates are checked: the probe may know the time better
   * than the system's clock.
   */
  readonly now?: () => number
}

/**
 * Does one TLS handshake over `socket` and judges the certificates.
 *
 * @param socket - Connected, with nothing read from it yet. It belongs to this operation from the call on.
 * @returns The observation, and the TLS socket, which the caller closes. On any failure, a certificate that does not
 * verify included, there is no TLS socket and both sockets are closed. `bytes` are those of the TCP connection.
 */
export async function tlsHandshake(
  trace: Trace,
  socket: Socket,
  options: TlsHandshakeOptions,
): Promise<{
  readonly observation: TlsHandshake
  readonly socket: tls.TLSSocket | null
  readonly bytes: Bytes
}> {
  const t0 = trace.clock.elapsedSeconds()
  const address = remoteAddress(socket)
  const serverName =
    options.serverName !== null && isIP(bareName(options.serverName)) === 0
      ? serverNameOf(options.serverName)
      : ''
  const bytesSoFar = countBytes(socket)
  const result = await shakeHands(trace, socket, serverName, options)
  const bytes = bytesSoFar()

  const observation: TlsHandshake = {
    network: 'tcp',
    address,
    server_name: serverName,
    failure: result.failure,
    tls_version: result.agreed?.version ?? '',
    cipher_suite: result.agreed?.cipherSuite ?? '',
    negotiated_protocol: result.agreed?.protocol ?? '',
    no_tls_verify: false,
    peer_certificates: result.chain.map(({ raw }) => ({
      data: raw.toString('base64'),
      format: 'base64',
    })),
    ...(result.alert !== null && { x_sonde_tls_alert: result.alert }),
    ...(result.faults.length > 0 && { x_sonde_certificate_faults: [...result.faults] }),
    ...describeBytes(bytes),
    t0,
    t: result.t,
    transaction_id: options.transactionId,
    tags: [...options.tags],
  }
  if (result.failure === null) return { observation, socket: result.socket, bytes }
  result.socket?.destroy()
  socket.destroy()
  return { observation, socket: null, bytes }
}

interface Handshake {
  /** When the handshake ended; the time for judging the certificates is not in it. */
  readonly t: number
  readonly failure: Failure | null
  readonly socket: tls.TLSSocket | null
  /** null when the handshake did not succeed; a bad certificate does not count as a failure here. */
  readonly agreed: Agreed | null
  /** As far as it was seen, also when the handshake failed after it. */
  readonly chain: readonly X509Certificate[]
  readonly alert: number | null
  readonly faults: readonly string[]
}

interface Agreed {
  readonly version: string
  readonly cipherSuite: string
  readonly protocol: string
}

async function shakeHands(
  trace: Trace,
  socket: Socket,
  serverName: string,
  options: TlsHandshakeOptions,
): Promise<Handshake> {
  const over = (failure: Failure | null, parts: Partial<Handshake> = {}): Handshake => ({
    t: trace.clock.elapsedSeconds(),
    failure,
    socket: null,
    agreed: null,
    chain: [],
    alert: null,
    faults: [],
    ...parts,
  })
  // Checked before the ClientHello: a measurement that was stopped sends nothing more.
  if (trace.signal.aborted) return over('interrupted')
  const death = causeOfDeath(socket)
  if (death !== null) return over(failureOf(death, 'tls_handshake'))

  const deadline = startDeadline(trace.signal, options.timeoutMs)
  const bytesSoFar = countBytes(socket)
  const secured = open(trace, socket, serverName, options)
  const chainAsSent = () => trace.trust.chains.read(secured, bytesSoFar().received)
  const end = await Promise.race([handshaken(secured, chainAsSent), deadline.passed])
  deadline.clear()
  if (typeof end === 'string') return over(end, { socket: secured, chain: chainAsSent() })
  if (end.error !== null) {
    const { error, chain } = end
    return over(failureOf(error, 'tls_handshake'), { socket: secured, chain, alert: alertOf(error) })
  }
  const success = over(null, { socket: secured, agreed: read(secured), chain: end.chain })
  const faults = judge(trace, secured, end.chain, options)
  return { ...success, failure: faults.failure, faults: faults.all }
}

function open(trace: Trace, socket: Socket, serverName: string, options: TlsHandshakeOptions): tls.TLSSocket {
  const secured = tls.connect({
    socket,
    secureContext: trace.trust.secureContext,
    ...(serverName !== '' && { servername: serverName }),
    ...(options.alpn.length > 0 && { ALPNProtocols: [...options.alpn] }),
    rejectUnauthorized: false,
    // The name is judged apart: Node.js would report it in the place of a fault of the chain.
    checkServerIdentity: () => undefined,
  })
  carry(secured, socket)
  // The listener stays for the whole life of the socket, as in tcp-connect.ts.
  secured.on('error', () => {})
  return secured
}

/** The chain is read within the event: a little later, Node.js has let go of it. */
interface HandshakeEnd {
  readonly error: Error | null
  readonly chain: readonly X509Certificate[]
}

function handshaken(
  secured: tls.TLSSocket,
  chainAsSent: () => readonly X509Certificate[],
): Promise<HandshakeEnd> {
  return new Promise((resolve) => {
    let isOver = false
    const settle = (error: Error | null) => {
      // The chain can be asked for once.
      if (!isOver) resolve({ error, chain: chainAsSent() })
      isOver = true
    }
    secured.once('secureConnect', () => settle(null))
    secured.once('error', settle)
    secured.once('close', () => settle(endOfStream()))
  })
}

function read(secured: tls.TLSSocket): Agreed {
  return {
    version: secured.getProtocol() ?? '',
    cipherSuite: secured.getCipher()?.standardName ?? '',
    protocol: secured.alpnProtocol || '',
  }
}

function judge(
  trace: Trace,
  secured: tls.TLSSocket,
  chain: readonly X509Certificate[],
  options: TlsHandshakeOptions,
): Faults {
  const name = options.verifyName ?? options.serverName
  // The error has always been a string; `@types/node` says Error.
  const verifyError = secured.authorized ? null : String(secured.authorizationError)
  return certificateFaults({
    chain,
    name: name === null ? null : bareName(name),
    verifyError,
    roots: trace.trust.roots ?? [],
    now: (options.now ?? Date.now)(),
  })
}
