// DNS as OONI's readers join it: the network of each answer, and a lookup for every connect that it led to. plain-form.md §2
// is the page. Pure.

import type { DnsQuery } from '../data-formats/observation.ts'
import type { Lists } from './lists.ts'

/** Whose an address is; null when nobody knows. */
export type NetworkOf = (ip: string) => { readonly asn: number; readonly name: string } | null

/** Fills the two columns of each answer that the probe, which looks nothing up, leaves empty. */
export function withNetworks(queries: readonly DnsQuery[], networkOf: NetworkOf): DnsQuery[] {
  return queries.map((query) => ({
    ...query,
    answers:
      query.answers?.map((answer) => {
        const network = networkOf(answer.ipv4 ?? answer.ipv6 ?? '')
        return network === null ? answer : { ...answer, asn: network.asn, as_org_name: network.name }
      }) ?? null,
  }))
}

/**
 * A lookup that led to connects to several ports of one address stands once for each: OONI looks a name up for every
 * endpoint, and its pipeline gives one connect the name of one lookup. The copies say that they are.
 */
export function onceForEachPort({ queries, tcp_connect }: Lists): DnsQuery[] {
  return queries.flatMap((query) => {
    const hosts = query.tags.filter((tag) => tag.startsWith('host='))
    const ports = (query.answers ?? []).map((answer) => {
      const ip = answer.ipv4 ?? answer.ipv6
      return tcp_connect.filter((each) => each.ip === ip && hosts.every((tag) => each.tags.includes(tag)))
        .length
    })
    const copies = Math.max(1, ...ports) - 1
    return [query, ...Array.from({ length: copies }, () => ({ ...query, x_sonde_copy: true }))]
  })
}
