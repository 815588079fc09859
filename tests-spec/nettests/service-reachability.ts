// Rules of `service_reachability`: whether each function of a described service can be reached, and which one fails
// alone. The messengers of OONI's list (whatsapp.ts and others) run on the same rules. service-reachability.md is the
// page; what became of one group is in group-outcome.ts.

import * as v from 'valibot'
import { failure, type Observations } from '../data-formats/observation.ts'
import { type GroupOutcome, groupOutcome, groupStatuses } from './group-outcome.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest } from './nettest-spec.ts'
import { type Service, type ServiceGroup, serviceName } from './service.ts'
import { type ServiceControl, serviceObservations } from './service-outside.ts'
import {
  type Circumstances,
  type EarlierFailure,
  earlierPart,
  failedBefore,
  gravest,
  isCutOff,
  type Verdict,
  verdict,
} from './verdict.ts'

/** Its own rules, with `GROUP` for the name of a group, which those of described services share. */
export const serviceRules = [
  'GROUP_reached',
  'GROUP_reached_unverified',
  'link_down',
  'failed_once',
  'GROUP_alone_fails',
] as const

/** OONI's word for a group that was reached, and for one that was not, whatever the reason. */
export const ooniStatus = v.picklist(['ok', 'blocked'])
export const statusIf = (reached: boolean): v.InferOutput<typeof ooniStatus> => (reached ? 'ok' : 'blocked')

export const serviceReachability = defineNettest({
  name: 'service_reachability',
  version: '0.1.0',
  about: 'a service described as data: how it is measured and judged',
  /** The name of a service that the list describes. */
  input: serviceName,
  options: null,
  observations: serviceObservations,
  findings: {
    /** Each group of the service, the informational ones included. */
    x_sonde_service: v.object({
      name: serviceName,
      groups: v.record(v.string(), v.object({ status: v.picklist(groupStatuses), failure })),
    }),
  },
  /** By the name of the group, `GROUP:PORT` or `GROUP:hosts`. */
  parts: v.record(v.string(), verdict),
  rules: serviceRules,
  judge({ seen, own, circumstances, input, service }) {
    if (service === undefined) throw new TypeError(`Cannot judge "${input}" without its description`)
    const outcomes = outcomesOf(seen, service, circumstances.lab, own.x_sonde_service_control)
    const groups = outcomes.map(([{ name }, { status, failure }]) => [name, { status, failure }] as const)
    return {
      keys: { x_sonde_service: { name: service.name, groups: Object.fromEntries(groups) } },
      ...judgeGroups('service_reachability', outcomes, circumstances),
    }
  },
})

export interface ServiceConclusion {
  /** The gravest of the parts. */
  readonly verdict: Verdict
  /** By the name of the group, and `GROUP:PORT` or `GROUP:hosts` of what others hide; informational groups have none. */
  readonly parts: Readonly<Record<string, Verdict>>
}

/**
 * Concludes about every group of a service. Pure: a newer rule can be run over old observations with the description
 * that they were made by, which the list's name and version find.
 *
 * @param nettest - Whose name the rules bear.
 */
export function judgeGroups(
  nettest: string,
  outcomes: GroupOutcomes,
  circumstances: Circumstances,
): ServiceConclusion {
  const judged = outcomes.filter(([group]) => group.informational !== true)
  const parts = judged.map(([group, outcome]) => {
    if (outcome.status === 'reached') {
      return [group.name, judgeReached(nettest, group.name, outcome, circumstances)] as const
    }
    const sibling = judged.some(([other, { proof }]) => other !== group && proof !== null && proof !== 'name')
    const own = { ...circumstances, earlier: earlierOf(group.name, circumstances) }
    return [group.name, judgeFailed(nettest, group.name, outcome, sibling, own)] as const
  })
  const hidden = judged.flatMap(([{ name }, { deadPorts }]) =>
    [...deadPorts].map(([port, failed]) => {
      const part = `${name}:${port}`
      const own = { ...circumstances, earlier: earlierPart(circumstances.earlier, part) }
      return [part, judgeFailed(nettest, name, { failures: [failed] }, true, own)] as const
    }),
  )
  const fewer = judged.flatMap(([{ name }, { deadHosts }]) => {
    if (deadHosts === null) return []
    const part = `${name}:hosts`
    const own = { ...circumstances, earlier: earlierPart(circumstances.earlier, part) }
    // That others answer speaks for the line and not for them: operators retire hosts.
    return [[part, judgeFailed(nettest, name, { failures: [deadHosts] }, false, own)] as const]
  })
  const verdict = gravestOf(parts.map(([, each]) => each))
  return { verdict, parts: Object.fromEntries([...parts, ...hidden, ...fewer]) }
}

/** How this group failed before; measurements of agents up to 0.1.0 say it only of the service as a whole. */
function earlierOf(group: string, { earlier }: Circumstances): EarlierFailure | null {
  return earlier?.parts === undefined ? earlier : earlierPart(earlier, group)
}

/** The groups of a service in their order, and what became of each. */
export type GroupOutcomes = readonly (readonly [ServiceGroup, GroupOutcome])[]

export function outcomesOf(
  seen: Observations,
  service: Service,
  lab: boolean,
  control?: ServiceControl,
): GroupOutcomes {
  return service.groups.map((group) => [group, groupOutcome(seen, group, lab, control)])
}

function judgeReached(
  nettest: string,
  group: string,
  { proof }: GroupOutcome,
  { link }: Circumstances,
): Verdict {
  const say = (verdict: Verdict['verdict'], rule: string, how: string | null): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@1`,
    step: null,
    how,
    because: [],
  })
  if (proof === 'certificate') return say('ok', `${group}_reached`, null)
  // A portal answers for everyone, and some gateways without a way out accept every connection themselves.
  if (isCutOff(link)) return say('link_down', 'link_down', link.state)
  // Anyone on the path can accept a connection or write clear text: reached, as far as can be told.
  return say('ok', `${group}_reached_unverified`, null)
}

/** @param sibling - Whether another group of the same service was reached. */
function judgeFailed(
  nettest: string,
  group: string,
  { failures }: Pick<GroupOutcome, 'failures'>,
  sibling: boolean,
  circumstances: Circumstances,
): Verdict {
  const verdict = gravestOf(
    failures.map((failed) =>
      judgeFailedStep(nettest, failed, circumstances, { outside: failed.outside, maybeBroken: false }),
    ),
  )
  // Silence is also what loss looks like: with a single control lost a failed step is not called by this rule.
  const silent = verdict.rule === `${nettest}/no_outside_view@1`
  if (!silent || !sibling) return verdict
  // A few lost packets in a row silence one group as well, and not half a minute later once more.
  if (verdict.step === null || !failedBefore(circumstances.earlier, verdict.step))
    return { ...verdict, rule: `${nettest}/failed_once@1` }
  // One operator runs all groups of a service: when one is silent while another answers over the same link, an outage
  // of the operator is the less likely story.
  return { ...verdict, verdict: 'anomaly', rule: `${nettest}/${group}_alone_fails@2` }
}

function gravestOf(verdicts: readonly Verdict[]): Verdict {
  const worst = gravest(verdicts)
  if (worst === undefined) throw new TypeError('Cannot judge a service without a group to judge')
  return worst
}
