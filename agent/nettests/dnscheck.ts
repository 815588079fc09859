// The nettest `dnscheck`: tests-spec/nettests/dnscheck.md.

import { isIP } from 'node:net'
import {
  bootstrapTag,
  lookupTag,
  parseResolverUrl,
  type ResolverUrl,
  dnscheck as spec,
  withAddress,
} from '../../tests-spec/nettests/dnscheck.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { resolveDns } from '../operations/resolve-dns.ts'
import { type EncryptedResolver, resolveEncrypted } from '../operations/resolve-encrypted.ts'
import { measuredBy, type Nettest, type NettestContext, usable } from './nettest.ts'
import { besides, joinSeen, type Seen, seenOf } from './seen.ts'
import { lookUpHost } from './steps.ts'

/** Of big resolvers every address leads to the same machines; OONI tries all. */
const maxAddresses = 4

export const dnscheck: Nettest = measuredBy(spec, async (context, input, { domain, default_addrs }) => {
  const resolver = parseResolverUrl(input ?? '')
  if (resolver === null) throw new TypeError(`Cannot measure "${input}": expected the URL of a resolver`)
  const { seen, addresses } = await lookUpHost(context, resolver.host, [bootstrapTag])
  const all = [...new Set([...addresses, ...usable(context, default_addrs)])].slice(0, maxAddresses)
  const lookups: Seen[] = []
  // One after the other: each takes a handshake, and handshakes side by side would lengthen each other's times.
  for (const ip of all) lookups.push(await ask(context, resolver, ip, domain))
  return besides(joinSeen([seen, ...lookups]), { domain, x_default_addrs: default_addrs })
})

async function ask(
  { trace, transactionIds, wallClock }: NettestContext,
  resolver: ResolverUrl,
  ip: string,
  domain: string,
): Promise<Seen> {
  const { transport, port } = resolver
  const step = { tags: [lookupTag(withAddress(resolver, ip))], timeoutMs: patience.resolverAnswerMs }
  if (transport === 'udp' || transport === 'tcp') {
    const options = { ...step, transactionId: transactionIds.next('dns'), lateReplyMs: patience.lateReplyMs }
    const { queries, bytes } = await resolveDns(trace, { transport, ip, port }, domain, 'A', options)
    return seenOf({ queries }, bytes)
  }
  const options = { ...step, transactionId: transactionIds.next('encrypted_dns'), now: wallClock }
  const answer = await resolveEncrypted(trace, encrypted(resolver, ip), domain, 'A', options)
  const { queries, tcpConnects: tcp_connect, tlsHandshakes: tls_handshakes, requests, bytes } = answer
  return seenOf({ queries, tcp_connect, tls_handshakes, requests }, bytes)
}

function encrypted({ transport, host, port, path }: ResolverUrl, ip: string): EncryptedResolver {
  if (transport === 'dot') return { transport, ip, port, name: host }
  const name = isIP(host) === 6 ? `[${host}]` : host
  return { transport: 'doh', ip, url: new URL(`https://${name}:${port}${path}`) }
}
