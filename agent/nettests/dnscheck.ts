// The nettest `dnscheck`: tests-spec/nettests/dnscheck.md.

import { isIP } from 'node:net'
import * as v from 'valibot'
import {
  bootstrapTag,
  dnscheckKeys,
  dnscheckName,
  dnscheckOptions,
  dnscheckVersion,
  judgeDnscheck,
  lookupTag,
  parseResolverUrl,
  type ResolverUrl,
  withAddress,
} from '../../tests-spec/nettests/dnscheck.ts'
import { resolveDns } from '../operations/resolve-dns.ts'
import { type EncryptedResolver, resolveEncrypted } from '../operations/resolve-encrypted.ts'
import { lookUpHost } from './host-lookup.ts'
import { joinSeen, type Nettest, type NettestContext, nothingSeen, type Seen, usable } from './nettest.ts'

/** Milliseconds: OONI's. */
const lookupTimeoutMs = 15_000
const lateReplyMs = 500
/** Of big resolvers every address leads to the same machines; OONI tries all. */
const maxAddresses = 4

export const dnscheck: Nettest = {
  name: dnscheckName,
  version: dnscheckVersion,
  async measure(context, input, options) {
    const resolver = parseResolverUrl(input ?? '')
    if (resolver === null) throw new TypeError(`Cannot measure "${input}": expected the URL of a resolver`)
    const { domain, default_addrs } = v.parse(dnscheckOptions, options ?? {})
    const { seen, addresses } = await lookUpHost(context, resolver.host, [bootstrapTag])
    const all = [...new Set([...addresses, ...usable(context, default_addrs)])].slice(0, maxAddresses)
    const lookups: Seen[] = []
    // One after the other: each takes a handshake, and handshakes side by side would lengthen each other's times.
    for (const ip of all) lookups.push(await ask(context, resolver, ip, domain))
    const { observations, bytes } = joinSeen([seen, ...lookups])
    return { observations: { ...observations, domain, x_default_addrs: default_addrs }, bytes }
  },
  conclude(observations, circumstances) {
    const { verdict, parts } = judgeDnscheck(observations, circumstances)
    return { keys: { ...dnscheckKeys(observations, circumstances.lab) }, verdict, parts }
  },
}

async function ask(
  { trace, transactionIds, wallClock }: NettestContext,
  resolver: ResolverUrl,
  ip: string,
  domain: string,
): Promise<Seen> {
  const { transport, port } = resolver
  const step = { tags: [lookupTag(withAddress(resolver, ip))], timeoutMs: lookupTimeoutMs }
  if (transport === 'udp' || transport === 'tcp') {
    const options = { ...step, transactionId: transactionIds.next('dns'), lateReplyMs }
    const { queries, bytes } = await resolveDns(trace, { transport, ip, port }, domain, 'A', options)
    return { observations: { ...nothingSeen.observations, queries: [...queries] }, bytes }
  }
  const options = { ...step, transactionId: transactionIds.next('encrypted_dns'), now: wallClock }
  const answer = await resolveEncrypted(trace, encrypted(resolver, ip), domain, 'A', options)
  return {
    observations: {
      ...nothingSeen.observations,
      queries: [...answer.queries],
      tcp_connect: [...answer.tcpConnects],
      tls_handshakes: [...answer.tlsHandshakes],
      requests: [...answer.requests],
    },
    bytes: answer.bytes,
  }
}

function encrypted({ transport, host, port, path }: ResolverUrl, ip: string): EncryptedResolver {
  if (transport === 'dot') return { transport, ip, port, name: host }
  const name = isIP(host) === 6 ? `[${host}]` : host
  return { transport: 'doh', ip, url: new URL(`https://${name}:${port}${path}`) }
}
