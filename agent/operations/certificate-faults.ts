// What is wrong with a chain of certificates: dates, name, path. Pure; the network is not asked. The path is OpenSSL's
// verdict, but it names one fault only, and a wrong date hides all others: a probe whose clock fell back to 1970 must
// still notice a forged chain, so in that case the path is looked for here.

import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { failureOfVerdict, isDateVerdict } from '../../tests-spec/data-formats/system-failure.ts'
import { bareHost, isIpLiteral } from '../../tests-spec/nettests/host-text.ts'

export interface Presented {
  /** The certificates as the server sent them, leaf first; at least one. */
  readonly chain: readonly X509Certificate[]
  /** The name or address that the leaf must be for; null when any name is accepted. */
  readonly name: string | null
  /**
   * OpenSSL's verdict on the chain by the system's clock (`X509_V_ERR_…` without that prefix); null when it found no
   * fault.
   */
  readonly verifyError: string | null
  /** Root certificates as PEM. */
  readonly roots: readonly string[]
  /** Moment against which the dates are checked, in milliseconds since 1970. */
  readonly now: number
}

export interface Faults {
  /** The gravest fault in OONI's order: dates, then name, then path. null when the chain is good. */
  readonly failure: Failure | null
  /** All faults, in the same words, with `expired` or `not_yet_valid` beside a wrong date. */
  readonly all: readonly string[]
}

/** Judges a chain. Never throws: a certificate that cannot be read is an invalid one. */
export function certificateFaults(presented: Presented): Faults {
  try {
    const dates = dateFaults(presented)
    const name = nameFaults(presented)
    const path = pathFaults(presented)
    const all = [...new Set([...dates, ...name, ...path])]
    return { failure: (all[0] as Failure | undefined) ?? null, all }
  } catch {
    // Node.js throws on fields that it cannot parse; which field it is makes no difference to the verdict.
    return { failure: 'ssl_invalid_certificate', all: ['ssl_invalid_certificate'] }
  }
}

function dateFaults({ chain: [leaf], now }: Presented): string[] {
  const fault = leaf === undefined ? null : dateFault(leaf, now)
  return fault === null ? [] : ['ssl_invalid_certificate', fault]
}

type DateFault = 'expired' | 'not_yet_valid'

function dateFault(certificate: X509Certificate, now: number): DateFault | null {
  if (now < Date.parse(certificate.validFrom)) return 'not_yet_valid'
  return now > Date.parse(certificate.validTo) ? 'expired' : null
}

function nameFaults({ chain: [leaf], name }: Presented): string[] {
  if (leaf === undefined || name === null) return []
  return isFor(leaf, name) ? [] : ['ssl_invalid_hostname']
}

function isFor(leaf: X509Certificate, name: string): boolean {
  try {
    return tls.checkServerIdentity(name, leaf.toLegacyObject() as tls.PeerCertificate) === undefined
  } catch {
    // Node.js throws on alternative names that it cannot parse, and such names match nothing.
    return false
  }
}

function pathFaults(presented: Presented): string[] {
  const { chain, verifyError } = presented
  if (chain.length === 0) return ['ssl_unknown_authority']
  if (verifyError === null) return []
  if (isDateVerdict(verifyError)) return pathFaultsByHand(presented)
  return [failureOfVerdict(verifyError)]
}

/**
 * Looks for the path when OpenSSL only reports a wrong date. By `now` the date may be right (then the system's clock
 * was wrong), may be wrong in the leaf (which is reported already), or wrong above the leaf.
 */
function pathFaultsByHand({ chain, roots, now }: Presented): string[] {
  const [leaf, ...others] = chain.slice(0, maxChain)
  if (leaf === undefined) return []
  const issuers = [...others, ...parsed(roots)]
  const without = (...faults: readonly DateFault[]) =>
    issuers.filter((issuer) => !faults.some((fault) => fault === dateFault(issuer, now)))
  if (leadsToRoot(leaf, without('expired', 'not_yet_valid'), roots)) return []
  if (leadsToRoot(leaf, without('expired'), roots)) return ['ssl_invalid_certificate', 'not_yet_valid']
  if (leadsToRoot(leaf, issuers, roots)) return ['ssl_invalid_certificate', 'expired']
  return ['ssl_unknown_authority']
}

/**
 * Public chains have at most four certificates. A server may send 100 kB of them, and checking each against each
 * would take seconds.
 */
const maxChain = 8

/**
 * Whether a root can be reached by going from issuer to issuer. Each certificate is visited once, so no chain can
 * cause an endless loop.
 */
function leadsToRoot(
  leaf: X509Certificate,
  issuers: readonly X509Certificate[],
  roots: readonly string[],
): boolean {
  const isRoot = new Set(parsed(roots))
  if (parsed(roots).some((root) => root.raw.equals(leaf.raw))) return true
  const visited = new Set([leaf])
  for (const certificate of visited) {
    for (const issuer of issuers) {
      if (visited.has(issuer) || !issued(issuer, certificate)) continue
      if (isRoot.has(issuer)) return true
      visited.add(issuer)
    }
  }
  return false
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}

/**
 * Parsing all roots takes 20 ms on a fast machine: it is done once for each trust, and only on a probe that needs it.
 */
const rootsOf = new WeakMap<readonly string[], readonly X509Certificate[]>()

function parsed(roots: readonly string[]): readonly X509Certificate[] {
  const known = rootsOf.get(roots) ?? roots.map((pem) => new X509Certificate(pem))
  rootsOf.set(roots, known)
  return known
}

/** The name that a leaf must be for, as `tls.checkServerIdentity()` wants it: IPv6 without brackets. */
export function bareName(name: string): string {
  const bare = bareHost(name)
  return isIpLiteral(bare) ? bare : name
}
