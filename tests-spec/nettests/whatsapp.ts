// WhatsApp as a service, and OONI's keys for it: ts-018 in version 0.11.0, with a verdict of our own for each of the
// three functions, because each was blocked by itself on 29 July 2018. whatsapp.md is the page; the rules are those of
// service-reachability.ts.

import * as v from 'valibot'
import { failure, type Observations } from '../data-formats/observation.ts'
import { classicTag } from './failed-step.ts'
import { groupOutcome, groupTag, hostTag } from './group-outcome.ts'
import { defineNettest, noInput } from './nettest-spec.ts'
import type { Service, ServiceGroup } from './service.ts'
import { serviceObservations } from './service-outside.ts'
import { judgeGroups, ooniStatus, outcomesOf, statusIf } from './service-reachability.ts'
import { partsOf } from './verdict.ts'

export const whatsappService: Service = {
  name: 'whatsapp',
  groups: [
    {
      name: 'registration',
      needs: 'any',
      endpoints: [{ kind: 'url', url: 'https://v.whatsapp.net/v2/register', method: 'HEAD' }],
    },
    {
      name: 'endpoints',
      needs: 'any',
      endpoints: Array.from({ length: 16 }, (_, index) => ({
        kind: 'tcp',
        host: `e${index + 1}.whatsapp.net`,
        ports: [443, 5222],
      })),
    },
    {
      name: 'web',
      needs: 'any',
      endpoints: [{ kind: 'url', url: 'https://web.whatsapp.com/', method: 'HEAD' }],
    },
  ],
}

export const whatsapp = defineNettest({
  name: 'whatsapp',
  version: '0.11.0',
  about: "WhatsApp's three services",
  input: noInput,
  options: null,
  observations: serviceObservations,
  /** OONI's keys say "blocked" for any failure; its readers know that, and our verdict stands beside them. */
  findings: {
    registration_server_status: ooniStatus,
    registration_server_failure: failure,
    whatsapp_endpoints_status: ooniStatus,
    whatsapp_endpoints_blocked: v.array(v.string()),
    /** Always empty: the check it came from is gone from OONI too. */
    whatsapp_endpoints_dns_inconsistent: v.array(v.string()),
    whatsapp_web_status: ooniStatus,
    whatsapp_web_failure: failure,
  },
  parts: partsOf('registration', 'endpoints', 'web'),
  rules: [],
  judge({ seen, own, circumstances, service = whatsappService }) {
    const { lab } = circumstances
    const marked = withGroupTags(seen)
    const outcomes = outcomesOf(marked, service, lab, own.x_sonde_service_control)
    const named = new Map(outcomes.map(([{ name }, outcome]) => [name, outcome]))
    const statusOf = (group: string) => statusIf(named.get(group)?.status === 'reached')
    const failureOf = (group: string) => named.get(group)?.failures[0]?.failure ?? null
    const endpoints = service.groups.find((group) => group.name === 'endpoints')
    return {
      keys: {
        registration_server_status: statusOf('registration'),
        registration_server_failure: failureOf('registration'),
        whatsapp_endpoints_status: statusOf('endpoints'),
        whatsapp_endpoints_blocked: endpoints === undefined ? [] : silentHosts(marked, endpoints, lab),
        whatsapp_endpoints_dns_inconsistent: [],
        whatsapp_web_status: statusOf('web'),
        whatsapp_web_failure: failureOf('web'),
      },
      ...judgeGroups('whatsapp', outcomes, circumstances),
    }
  },
})

/** Hosts of which no port answered, a failed lookup included, as OONI lists them. */
function silentHosts(seen: Observations, group: ServiceGroup, lab: boolean): string[] {
  return group.endpoints.flatMap((endpoint) => {
    const { status } = groupOutcome(seen, { ...group, endpoints: [endpoint] }, lab)
    return status === 'failed' && endpoint.kind === 'tcp' ? [endpoint.host] : []
  })
}

/**
 * Measurements of agents up to 0.1.0 carry the bare name of the group, the two URLs no host, and connects to chat hosts
 * no `classic`. With what is missing they are judged again like any other.
 */
const tagsMissing: Readonly<Record<string, readonly string[]>> = {
  registration: [groupTag('registration'), hostTag('v.whatsapp.net')],
  endpoints: [groupTag('endpoints'), classicTag],
  web: [groupTag('web'), hostTag('web.whatsapp.com')],
}

function withGroupTags(seen: Observations): Observations {
  const complete = <T extends { readonly tags: readonly string[] }>(each: T) => ({
    ...each,
    tags: [...each.tags, ...each.tags.flatMap((tag) => tagsMissing[tag] ?? [])],
  })
  return {
    ...seen,
    queries: seen.queries.map(complete),
    tcp_connect: seen.tcp_connect.map(complete),
    tls_handshakes: seen.tls_handshakes.map(complete),
    requests: seen.requests.map(complete),
  }
}
