// The certificates that a server sent, in the order in which it sent them: what was sent beside the chain, and in which order,
// is evidence, and Node.js has one call that tells it.
//
// That call, `getPeerX509Certificate()`, keeps each certificate behind the first for as long as the process lives, on
// Node.js 20, 22 and 24 (docs/node-leak.md). So it is asked once for each chain and count of bytes, and what it said is
// remembered. `getPeerCertificate(true)` leaks nothing, but reorders the chain, leaves out certificates that do not belong to
// it, and adds the root from our own store: it tells which chain it is, not what was sent.
//
// What this can miss: a server that sends the same chain as before, and beside it another certificate that does not belong to
// it, of nearly the same length, or the same ones in another order, is recorded with what it sent before.

import { createHash, X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** Chains that are remembered, at some 4 kB each: more than the hosts of a long list. */
const mostChains = 512
/**
 * Bytes of a handshake that count as the same: signatures of one key differ by a few, and no certificate is as short. Session
 * tickets, which may have come by then or not, make a chain two or three entries.
 */
const grainBytes = 128

export class SentChains {
  /** How often Node.js was asked: each time costs memory for good on some versions. */
  asked = 0
  /** DER of each certificate; the chain that was used last stands last. */
  readonly #known = new Map<string, readonly Buffer[]>()

  /**
   * To be called within the event that ends the handshake: a little later, Node.js has let go of the chain. Once for
   * each handshake, since asking takes the chain away.
   * @param bytesRead - Bytes that the connection received so far.
   * @returns Empty when no certificate came. What Node.js cannot parse ends the chain, which is judged as far as it goes.
   */
  read(secured: TLSSocket, bytesRead: number): X509Certificate[] {
    const chain = digestOf(secured)
    if (chain === 'none') return []
    const key = `${chain} ${Math.round(bytesRead / grainBytes)}`
    const known = this.#known.get(key)
    if (chain !== 'unknown' && known !== undefined) {
      this.#keep(key, known)
      return known.map((der) => new X509Certificate(der))
    }
    this.asked += 1
    const sent = askNode(secured)
    if (chain !== 'unknown' && sent.length > 0)
      this.#keep(
        key,
        sent.map(({ raw }) => raw),
      )
    return sent
  }

  #keep(key: string, chain: readonly Buffer[]): void {
    this.#known.delete(key)
    this.#known.set(key, chain)
    const [oldest] = this.#known.keys()
    if (this.#known.size > mostChains && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** @returns `none` when no certificate came; `unknown` when there is one that Node.js does not read. */
function digestOf(secured: TLSSocket): string {
  const hash = createHash('sha256')
  try {
    let next: DetailedPeerCertificate | undefined = secured.getPeerCertificate(true)
    if (next?.raw === undefined) return 'none'
    let last: DetailedPeerCertificate | undefined
    // A root is its own issuer.
    while (next?.raw !== undefined && next !== last) {
      hash.update(next.raw)
      last = next
      next = next.issuerCertificate
    }
    return hash.digest('base64')
  } catch {
    return 'unknown'
  }
}

function askNode(secured: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  try {
    let next = secured.getPeerX509Certificate()
    while (next !== undefined) {
      chain.push(next)
      next = next.issuerCertificate
    }
  } catch {
    // Said above: the chain ends here.
  }
  return chain
}
