// The lookup of one host that stands before nettests which then do something of their own with its addresses. URLs are
// resolved in url-flow.ts.

import { isIP } from 'node:net'
import { classicTag } from '../../tests-spec/nettests/failed-step.ts'
import { resolveDns } from '../operations/resolve-dns.ts'
import { resolveSystem } from '../operations/resolve-system.ts'
import { joinSeen, type NettestContext, nothingSeen, type Seen, usable } from './nettest.ts'

/** Milliseconds, as in url-flow.ts. */
const dnsTimeoutMs = 4_000
const lateReplyMs = 500

/**
 * Asks the system; another resolver only when that leads nowhere, to tell a lying resolver from a name that is gone.
 *
 * @param host - An IP literal stands for itself, and asks nobody.
 * @returns `addresses` of the system alone, and only those that may be contacted.
 */
export async function lookUpHost(
  context: NettestContext,
  host: string,
  tags: readonly string[],
): Promise<{ readonly seen: Seen; readonly addresses: readonly string[] }> {
  const { trace, transactionIds, resolver } = context
  if (isIP(host) !== 0) return { seen: nothingSeen, addresses: usable(context, [host]) }
  const system = await resolveSystem(trace, host, {
    transactionId: transactionIds.next('getaddrinfo'),
    tags: [...tags, classicTag],
    timeoutMs: dnsTimeoutMs,
  })
  const addresses = usable(context, system.addresses)
  const step = () => ({
    transactionId: transactionIds.next('dns'),
    tags,
    timeoutMs: dnsTimeoutMs,
    lateReplyMs,
  })
  const named =
    addresses.length === 0 && resolver !== null ? [await resolveDns(trace, resolver, host, 'A', step())] : []
  const seen = [system, ...named].map(({ queries, bytes }) => ({
    observations: { ...nothingSeen.observations, queries: [...queries] },
    bytes,
  }))
  return { seen: joinSeen(seen), addresses }
}
