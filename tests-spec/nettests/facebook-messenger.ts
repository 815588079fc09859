// Facebook Messenger as a service, and OONI's keys for it: ts-019 in version 0.2.1. facebook-messenger.md is the page;
// the rules are those of service-reachability.ts, and one more: a foreign address is a doubt, never a finding.

import * as v from 'valibot'
import type { Observations } from '../data-formats/observation.ts'
import { addressesIn, tagged } from './failed-step.ts'
import { groupTag } from './group-outcome.ts'
import { isMetaAddress } from './meta-prefixes.ts'
import { defineNettest, noInput } from './nettest-spec.ts'
import type { Service, ServiceGroup } from './service.ts'
import { serviceObservations } from './service-outside.ts'
import { judgeGroups, outcomesOf, type ServiceConclusion } from './service-reachability.ts'
import { type Circumstances, gravest, partsOf, type Verdict } from './verdict.ts'

const nettest = 'facebook_messenger'

/** Group names are the stems of OONI's keys. */
export const facebookStems = [
  'stun',
  'b_api',
  'b_graph',
  'edge',
  'external_cdn',
  'scontent_cdn',
  'star',
] as const
export type FacebookStem = (typeof facebookStems)[number]

const tcp = (name: FacebookStem, host: string): ServiceGroup => ({
  name,
  needs: 'any',
  endpoints: [{ kind: 'tcp', host, ports: [443] }],
})

export const facebookMessengerService: Service = {
  name: nettest,
  groups: [
    // Answers on UDP only, so its name is all that is asked for.
    { name: 'stun', needs: 'any', endpoints: [{ kind: 'dns', host: 'stun.fbsbx.com' }] },
    tcp('b_api', 'b-api.facebook.com'),
    tcp('b_graph', 'b-graph.facebook.com'),
    tcp('edge', 'edge-mqtt.facebook.com'),
    tcp('external_cdn', 'external.xx.fbcdn.net'),
    tcp('scontent_cdn', 'scontent.xx.fbcdn.net'),
    tcp('star', 'star.c10r.facebook.com'),
  ],
}

/** null: not measured, or nothing to say it of. */
const known = v.nullable(v.boolean())
const ofEachStem = <Suffix extends string>(suffix: Suffix) =>
  v.entriesFromList(
    facebookStems.map((stem) => `facebook_${stem}_${suffix}` as const),
    known,
  )
const findings = {
  ...ofEachStem('dns_consistent'),
  ...ofEachStem('reachable'),
  facebook_dns_blocking: v.boolean(),
  facebook_tcp_blocking: v.boolean(),
}
type FacebookMessengerKeys = Readonly<v.InferOutput<v.ObjectSchema<typeof findings, undefined>>>

export const facebookMessenger = defineNettest({
  name: nettest,
  version: '0.2.1',
  about: "Facebook Messenger's hosts",
  input: noInput,
  options: null,
  observations: serviceObservations,
  findings,
  /** The groups, by the stems of OONI's keys. */
  parts: partsOf(...facebookStems),
  rules: ['foreign_address'],
  judge({ seen, own, circumstances, service = facebookMessengerService }) {
    const outcomes = outcomesOf(seen, service, circumstances.lab, own.x_sonde_service_control)
    return {
      keys: keysOf(seen),
      ...withDoubt(judgeGroups(nettest, outcomes, circumstances), seen, circumstances),
    }
  },
})

/** As OONI fills them: one foreign address of several is inconsistent, and what is inconsistent is not reachable. */
function keysOf(seen: Observations): FacebookMessengerKeys {
  const each = facebookStems.map((stem) => {
    const ofStem = tagged(seen, groupTag(stem))
    const consistent = isConsistent(ofStem)
    return { stem, consistent, reachable: consistent === true ? isReachable(ofStem) : null }
  })
  const keys = each.flatMap(({ stem, consistent, reachable }) => [
    [`facebook_${stem}_dns_consistent`, consistent] as const,
    [`facebook_${stem}_reachable`, reachable] as const,
  ])
  return {
    ...(Object.fromEntries(keys) as FacebookMessengerKeys),
    facebook_dns_blocking: each.some(({ consistent }) => consistent === false),
    facebook_tcp_blocking: each.some(({ reachable }) => reachable === false),
  }
}

function isConsistent({ queries }: Observations): boolean | null {
  const system = queries.find((query) => query.engine === 'getaddrinfo')
  if (system === undefined) return null
  const addresses = addressesIn(system)
  return system.failure === null && addresses.length > 0 && addresses.every(isMetaAddress)
}

function isReachable({ tcp_connect }: Observations): boolean | null {
  return tcp_connect.length === 0 ? null : tcp_connect.some((connect) => connect.status.success)
}

function withDoubt(
  { verdict, parts }: ServiceConclusion,
  seen: Observations,
  circumstances: Circumstances,
): ServiceConclusion {
  const doubted = Object.entries(parts).map(
    ([name, part]) => [name, doubtForeign(part, tagged(seen, groupTag(name)), circumstances)] as const,
  )
  const gravestPart = gravest(doubted.map(([, part]) => part)) ?? verdict
  return { verdict: gravestPart, parts: Object.fromEntries(doubted) }
}

/**
 * No certificate was asked for, so what was reached at an address that is not Meta's may be anybody: a forged answer
 * that leads to an open port, or a prefix that our table does not have yet.
 */
function doubtForeign(part: Verdict, seen: Observations, { lab }: Circumstances): Verdict {
  // In a laboratory every address is foreign.
  if (lab || part.verdict !== 'ok') return part
  const reached = seen.tcp_connect.filter((connect) => connect.status.success).map(({ ip }) => ip)
  const system = seen.queries.filter((query) => query.engine === 'getaddrinfo')
  const addresses = reached.length > 0 ? reached : system.flatMap(addressesIn)
  if (addresses.some(isMetaAddress)) return part
  return {
    verdict: 'undetermined',
    rule: `${nettest}/foreign_address@1`,
    step: 'resolve',
    how: 'foreign_address',
    because: system.map((query) => query.transaction_id),
  }
}
