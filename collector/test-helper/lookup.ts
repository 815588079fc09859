// The helper's resolver: A and AAAA of a name, by c-ares. It tells NXDOMAIN, REFUSED and SERVFAIL apart, where
// getaddrinfo has one word for all of them; it reads no hosts file, and holds none of libuv's threads, which the
// archive needs.

import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { type HelperEndpoint, writeEndpoint } from '../../tests-spec/protocol/test-helper.ts'
import { within } from './deadline.ts'
import { canonical } from './destination.ts'

export interface Resolution {
  /** null also when one family failed and the other was found. */
  readonly failure: Failure | null
  /** Addresses without repeats, A before AAAA, in the order in which they came. */
  readonly addresses: readonly string[]
}

/** Never rejects. An IP literal is a bug in the caller: it needs no lookup. */
export type Lookup = (name: string, signal: AbortSignal) => Promise<Resolution>

/** Only an attack or a joke gives a name more addresses than this: the answer holds each of them. */
const maxAddresses = 32

/** c-ares waits twice as long at its second try. */
const tries = { timeout: patience.helperQueryMs, tries: 2 }

/**
 * @param server - Resolver that is asked over UDP, and over TCP when its answer does not fit; null for the system's
 * resolvers.
 */
export function makeLookup(server: HelperEndpoint | null, timeoutMs: number): Lookup {
  return async (name, signal) => {
    if (isIP(name) !== 0) throw new TypeError('Cannot look up an IP address')
    const families = await within(signal, timeoutMs, (end) => ask(server, name, end))
    const addresses = [...new Set(families.flatMap((family) => family.addresses))].slice(0, maxAddresses)
    return {
      addresses,
      failure: addresses.length > 0 ? null : joined(families.map((family) => family.failure)),
    }
  }
}

/** If one family has no record, that proves nothing when the other could not be asked. */
function joined(failures: readonly (Failure | null)[]): Failure {
  return failures.find((failure) => failure !== 'dns_no_answer') ?? 'dns_no_answer'
}

async function ask(server: HelperEndpoint | null, name: string, signal: AbortSignal): Promise<Resolution[]> {
  // There is one resolver for each lookup, because cancelling ends all lookups that a resolver has under way.
  const resolver = new Resolver(tries)
  if (server !== null) resolver.setServers([writeEndpoint(server)])
  const cancel = () => resolver.cancel()
  if (signal.aborted) return [{ failure: 'generic_timeout_error', addresses: [] }]
  signal.addEventListener('abort', cancel)
  const families = await Promise.all([
    resolutionOf(resolver.resolve4(name)),
    resolutionOf(resolver.resolve6(name)),
  ])
  signal.removeEventListener('abort', cancel)
  return families
}

async function resolutionOf(asked: Promise<string[]>): Promise<Resolution> {
  try {
    const addresses = (await asked).flatMap((address) => canonical(address) ?? [])
    return { failure: addresses.length === 0 ? 'dns_no_answer' : null, addresses }
  } catch (error) {
    return { failure: failureOfCares((error as NodeJS.ErrnoException).code), addresses: [] }
  }
}

function failureOfCares(code: string | undefined): Failure {
  switch (code) {
    case 'ENOTFOUND':
      return 'dns_nxdomain_error'
    case 'ENODATA':
      return 'dns_no_answer'
    case 'EREFUSED':
      return 'dns_refused_error'
    case 'ESERVFAIL':
      return 'dns_servfail_error'
    // Replies that call the question wrong, do not support it, or cannot be read.
    case 'EFORMERR':
    case 'ENOTIMP':
    case 'EBADRESP':
      return 'dns_server_misbehaving'
    case 'ETIMEOUT':
    case 'ECANCELLED':
      return 'generic_timeout_error'
    case 'ECONNREFUSED':
      return 'connection_refused'
    default:
      // EBADNAME is one of these: a name that DNS cannot carry.
      return `unknown_failure: ${code ?? 'no code'}`
  }
}
