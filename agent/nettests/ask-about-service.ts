// A look from outside at the endpoints of a service that failed here: whether they fail for everybody.
// tests-spec/nettests/service-reachability.md, "With a helper".

import { groupOutcome, groupTag, hostTag } from '../../tests-spec/nettests/group-outcome.ts'
import { hostOf, type ServiceEndpoint, type ServiceGroup } from '../../tests-spec/nettests/service.ts'
import {
  inBrief,
  maxAskedOfGroup,
  type ServiceControl,
  urlsFor,
} from '../../tests-spec/nettests/service-outside.ts'
import { urlFault } from '../../tests-spec/protocol/test-helper.ts'
import { askHelpers } from './ask-helper.ts'
import type { NettestContext } from './nettest.ts'
import { besides, joinBytes, noBytes, type Seen } from './seen.ts'
import { helperRequest } from './url-flow.ts'

/** A helper takes a few questions of one address at a time. */
const questionsAtOnce = 2

/** @returns `seen`, with what a helper saw beside it where one answered. */
export async function withOutsideView(
  context: NettestContext,
  groups: readonly ServiceGroup[],
  seen: Seen,
): Promise<Seen> {
  if (context.helpers.length === 0) return seen
  const waiting = groups.flatMap((group) => questionsOf(group, seen, context.lab))
  let bytes = noBytes
  let control: ServiceControl | null = null
  const worker = async () => {
    for (
      let next = waiting.shift();
      next !== undefined && !context.trace.signal.aborted;
      next = waiting.shift()
    ) {
      const answer = await askHelpers(context, helperRequest(new URL(next.url), next.addresses))
      bytes = joinBytes([bytes, answer.bytes])
      if (typeof answer.outside === 'string' || answer.helper === null) continue
      control = joined(control, answer.helper, inBrief(next.endpoint, answer.outside, context.lab))
    }
  }
  await Promise.all(Array.from({ length: questionsAtOnce }, worker))
  const paid = { ...seen, bytes: joinBytes([seen.bytes, bytes]) }
  return control === null ? paid : besides(paid, { x_sonde_service_control: control })
}

interface Question {
  readonly endpoint: ServiceEndpoint
  readonly url: string
  readonly addresses: readonly string[]
}

/** Of a group that is judged and was not reached, or not by many of its hosts: its first few endpoints, at the addresses that were found here. */
function questionsOf(group: ServiceGroup, { observations }: Seen, lab: boolean): Question[] {
  const { status, deadHosts } = groupOutcome(observations, group, lab)
  if (group.informational === true || (status !== 'failed' && deadHosts === null)) return []
  const failed = group.endpoints.filter(
    (endpoint) => groupOutcome(observations, { ...group, endpoints: [endpoint] }, lab).status === 'failed',
  )
  return failed.slice(0, maxAskedOfGroup).flatMap((endpoint) => {
    const tags = [groupTag(group.name), hostTag(hostOf(endpoint))]
    const connects = observations.tcp_connect.filter((each) => tags.every((tag) => each.tags.includes(tag)))
    const addresses = [...new Set(connects.map(({ ip }) => ip))]
    return urlsFor(endpoint)
      .filter((url) => urlFault(url) === null)
      .map((url) => ({ endpoint, url, addresses }))
  })
}

function joined(
  before: ServiceControl | null,
  helper: string,
  brief: Omit<ServiceControl, 'helpers'>,
): ServiceControl {
  const both = (key: keyof typeof brief) => ({ ...before?.[key], ...brief[key] })
  return {
    helpers: [...new Set([...(before?.helpers ?? []), helper])],
    tcp_connect: both('tcp_connect'),
    tls_handshake: both('tls_handshake'),
    certificates: both('certificates'),
    requests: both('requests'),
    names: both('names'),
  }
}
