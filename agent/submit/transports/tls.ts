// TLS over a connection that is open: tests-spec/protocol/endpoint.md, "Whom TLS lets in". Without pins, the roots
// that came with Node.js decide whether a server is let in; with pins, only the server's key does. Whatever decides is said
// here: what is left to Node.js, variables and options of the host may change, which were set for another program.

import { constants, createHash, X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { NoAnswer } from './no-answer.ts'
import { settled } from './tcp.ts'

export interface Expected {
  /** The name or address in the URL, without brackets: an unpinned certificate must be for it. */
  readonly name: string
  /** Name to send as SNI. Absent: `name` is sent; null: no SNI is sent. */
  readonly sni?: string | null | undefined
  /** Base64 of the SHA-256 over the SPKI of each pinned key. */
  readonly pins?: readonly string[] | undefined
  /** Root certificates as PEM, in place of Node.js' own. */
  readonly roots?: readonly string[] | undefined
  /** Whether the first message must fit one packet: without the key exchanges of a kilobyte. */
  readonly shortHello?: boolean
}

/**
 * Keeps the session by which the connection to one endpoint, its pins included, can be resumed: a server that resumes
 * it proves to be the one that was let in when it began. Kept in memory only: on a disk it would tell where the probe
 * has been.
 */
export interface SessionSlot {
  read(): Buffer | undefined
  write(session: Buffer | undefined): void
}

/**
 * @throws {NoAnswer} `pin_mismatch`, before anything was sent that only the collector should see; or TLS's own code.
 */
export async function secure(
  socket: Socket,
  { name, sni, pins, roots, shortHello = false }: Expected,
  slot: SessionSlot,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const session = slot.read()
  const shown = sni === undefined ? name : sni
  const secured = connect({
    socket,
    ALPNProtocols: ['http/1.1'],
    // An IP literal is not sent as SNI (RFC 6066 §3).
    ...(shown === null || isIP(shown) !== 0 ? {} : { servername: shown }),
    ...(session === undefined ? {} : { session }),
    secureContext: contextOf(roots ?? rootCertificates, shortHello),
    // NODE_TLS_REJECT_UNAUTHORIZED=0 speaks of those that do not say it.
    rejectUnauthorized: pins === undefined,
    // `checkServerIdentity: undefined` breaks Node.js 20 inside, so the field is left out where there is no check.
    ...(pins === undefined && {
      checkServerIdentity: (_: string, certificate) => checkServerIdentity(name, certificate),
    }),
  })
  secured.on('error', () => {})
  let latest: Buffer | undefined
  let trusted = false
  secured.on('session', (given) => {
    latest = given
    if (trusted) slot.write(given)
  })
  try {
    await settled<void>(signal, (resolve, reject) => {
      secured.once('secureConnect', () => resolve()).once('error', reject)
    })
    if (pins !== undefined && !pinned(secured, pins)) throw new NoAnswer('pin_mismatch')
  } catch (error) {
    slot.write(undefined)
    secured.destroy()
    throw error
  }
  trusted = true
  if (latest !== undefined) slot.write(latest)
  return secured
}

/** Reading the roots costs some ten milliseconds, on a small board a hundred. */
const contexts = new WeakMap<readonly string[], Map<boolean, SecureContext>>()

/**
 * With `ca`, neither NODE_EXTRA_CA_CERTS nor `--use-openssl-ca` nor `--use-system-ca` adds a root; with ciphers and versions,
 * `--tls-cipher-list`, `--tls-min-v1.0` and their like change nothing.
 */
function contextOf(roots: readonly string[], shortHello: boolean): SecureContext {
  const known = contexts.get(roots) ?? new Map<boolean, SecureContext>()
  contexts.set(roots, known)
  const context =
    known.get(shortHello) ??
    createSecureContext({
      ca: [...roots],
      ciphers: constants.defaultCoreCipherList,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ...(shortHello && { ecdhCurve: 'X25519:prime256v1:secp384r1' }),
    })
  known.set(shortHello, context)
  return context
}

/**
 * Whether the server is the pinned one. A resumed session of TLS 1.3 brings no certificate, and began with a pinned
 * one. `getPeerX509Certificate()` would cost memory for good (docs/node-leak.md).
 */
function pinned(socket: TLSSocket, pins: readonly string[]): boolean {
  const { raw } = socket.getPeerCertificate() ?? {}
  if (raw === undefined) return socket.isSessionReused()
  const spki = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
  return pins.includes(createHash('sha256').update(spki).digest('base64'))
}
