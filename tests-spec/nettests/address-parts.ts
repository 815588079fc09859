// Of a host that was reached, which families and addresses were not: what an alternative would hide. web-connectivity.md, "Parts", is
// the page. The target is `ok` all the same.

import type { Observations } from '../data-formats/observation.ts'
import { writeEndpoint } from '../protocol/test-helper.ts'
import { classicTag, type FailedStep, tagged, withoutFollowUps } from './failed-step.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { keyOutside, type OutsideView } from './outside-view.ts'
import { failedAt } from './system-lookup.ts'
import { type Circumstances, earlierPart, failedBefore, type Verdict } from './verdict.ts'

/** What became of one address of the system resolver. */
interface Tried {
  /** `IP:PORT`, IPv6 in brackets. */
  readonly address: string
  readonly isIpv6: boolean
  /** null when it was reached, or left alone because another one was. */
  readonly failed: FailedStep | null
}

/**
 * @param hop - The first hop, which was reached.
 * @returns By `ipv4` or `ipv6`, where all that was tried of it failed and the other family was reached; else by `IP:PORT`. null when
 * nothing failed.
 */
export function addressParts(
  nettest: string,
  hop: Observations,
  outside: OutsideView | null,
  circumstances: Circumstances,
): Readonly<Record<string, Verdict>> | null {
  const tried = addressesOf(hop)
  const parts = new Map<string, Verdict>()
  for (const { address, isIpv6, failed } of tried) {
    if (failed === null) continue
    const isFamily = tried.every((each) => each.isIpv6 !== isIpv6 || each.failed !== null)
    const name = isFamily ? (isIpv6 ? 'ipv6' : 'ipv4') : address
    if (parts.has(name)) continue
    const own = { ...circumstances, earlier: earlierPart(circumstances.earlier, name) }
    const standing = { outside: statusOutside(outside, address, failed), maybeBroken: true }
    const verdict = judgeFailedStep(nettest, failed, own, standing)
    parts.set(name, doubted(nettest, verdict, { failed, isFamily, circumstances: own }))
  }
  return parts.size === 0 ? null : Object.fromEntries(parts)
}

/** Rules of a part alone. */
export const addressPartRules = ['one_address_fails'] as const

interface Doubted {
  readonly failed: FailedStep
  /** Whether it is all that was tried of a family. */
  readonly isFamily: boolean
  readonly circumstances: Circumstances
}

/**
 * Nothing was asked again at such an address, since another one answered: it takes two looks. And where its neighbours answer, the
 * helper's word for the same address may be another machine's (anycast): one edge that is gone, or cuts, is no sign of more. What shows
 * a foreign certificate is.
 */
function doubted(nettest: string, verdict: Verdict, { failed, isFamily, circumstances }: Doubted): Verdict {
  if (verdict.verdict !== 'anomaly') return verdict
  const say = (rule: string): Verdict => ({
    ...verdict,
    verdict: 'undetermined',
    rule: `${nettest}/${rule}@1`,
  })
  if (!failedBefore(circumstances.earlier, failed.step)) return say('failed_once')
  return isFamily || isForeign(failed) ? verdict : say('one_address_fails')
}

const isForeign = ({ failure, certificateFaults }: FailedStep) =>
  failure === 'ssl_unknown_authority' ||
  failure === 'ssl_invalid_hostname' ||
  certificateFaults.includes('ssl_unknown_authority')

function addressesOf(hop: Observations): Tried[] {
  const plain = withoutFollowUps(hop.queries.length > 0 ? tagged(hop, classicTag) : hop)
  return plain.tcp_connect.map(({ ip, port, status, transaction_id }) => {
    const address = writeEndpoint({ ip, port })
    const isIpv6 = ip.includes(':')
    const at = (step: FailedStep['step'], failure: FailedStep['failure']): FailedStep => ({
      ...failedAt(step, failure, [transaction_id]),
      onlyIpv6: isIpv6,
    })
    const handshake = plain.tls_handshakes.find((each) => each.transaction_id === transaction_id)
    const request = plain.requests.find((each) => each.transaction_id === transaction_id)
    const failed =
      status.failure !== null
        ? at('connect', status.failure)
        : handshake !== undefined && handshake.failure !== null
          ? {
              ...at('tls_handshake', handshake.failure),
              certificateFaults: handshake.x_sonde_certificate_faults ?? [],
            }
          : request !== undefined && request.failure !== null
            ? at('http_round_trip', request.failure)
            : null
    return { address, isIpv6, failed }
  })
}

/** Whether the helper got past the step at this very address; null when it does not say. */
function statusOutside(outside: OutsideView | null, address: string, { step }: FailedStep): boolean | null {
  const key = keyOutside(address)
  if (step === 'connect') return outside?.tcp_connect[key]?.status ?? null
  return step === 'tls_handshake' ? (outside?.tls_handshake?.[key]?.status ?? null) : null
}
