// Rules of `stunreachability`: OONI's ts-025 in version 0.4.0. stunreachability.md is the page.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { failure, type Observations, stunBinding } from '../data-formats/observation.ts'
import { bareHost } from './host-text.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { failedAt, failedLookup } from './system-lookup.ts'
import type { Circumstances, Verdict } from './verdict.ts'

export const stunReachabilityName = 'stunreachability'
export const stunReachabilityVersion = '0.4.0'

/** Its own rules; a failed step has those of judge-failed-step.ts. */
export const stunReachabilityRules = ['address_mapped', 'not_mapped'] as const

/** `stun://HOST:PORT`, the port given. */
export const stunInput = v.pipe(
  v.string(),
  v.check((text) => parseStunInput(text) !== null, 'expected stun://HOST:PORT'),
)

export interface StunServer {
  /** A name, or an IP literal without brackets. */
  readonly host: string
  readonly port: number
}

/** @returns null when `text` is no such input. */
export function parseStunInput(text: string): StunServer | null {
  const [, host, port] = /^stun:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) return null
  return { host: bareHost(host), port: Number(port) }
}

/** What the nettest adds to the five lists: at most one, none when there was no address to send to. */
const stunObservations = v.looseObject({ x_sonde_stun_bindings: v.array(stunBinding) })

/** What the rules add. */
const stunFindings = v.object({
  /** As in the input, without its scheme. */
  endpoint: v.string(),
  /** null when the mapped address could be read. */
  failure,
})
export type StunReachabilityKeys = Readonly<v.InferOutput<typeof stunFindings>>

export const stunReachabilityTestKeys = v.object({ ...stunObservations.entries, ...stunFindings.entries })

export function stunReachabilityKeys(seen: Observations, input: string, lab: boolean): StunReachabilityKeys {
  const endpoint = input.replace(/^stun:\/\//, '')
  const binding = bindingIn(seen)
  if (binding === undefined) return { endpoint, failure: failedLookup(seen, lab)?.failure ?? 'interrupted' }
  return { endpoint, failure: binding.failure ?? unreadable(binding) }
}

/** OONI passes on its library's words here; these are ours. */
function unreadable({
  mapped_address_family,
  error_code,
  response,
}: v.InferOutput<typeof stunBinding>): Failure | null {
  if (mapped_address_family !== null) return null
  return response === 'error'
    ? `unknown_failure: stun error ${error_code ?? 'without a code'}`
    : 'unknown_failure: stun reply without a mapped address'
}

/**
 * The exchange counts as the step `connect`: it is all that reaching an endpoint over UDP consists of. Silence is what
 * a server that is gone looks like too, so from one place there is no anomaly but in its name.
 */
export function judgeStunReachability(seen: Observations, circumstances: Circumstances): Verdict {
  const lookup = failedLookup(seen, circumstances.lab)
  if (lookup !== null) return judgeFailedStep(stunReachabilityName, lookup, circumstances)
  const binding = bindingIn(seen)
  const because = binding === undefined ? [] : [binding.transaction_id]
  const say = (
    verdict: Verdict['verdict'],
    rule: (typeof stunReachabilityRules)[number],
    how: string | null,
  ): Verdict => ({
    verdict,
    rule: `${stunReachabilityName}/${rule}@1`,
    step: null,
    how,
    because,
  })
  if (binding !== undefined && binding.failure === null) {
    if (binding.mapped_address_family !== null) return say('ok', 'address_mapped', null)
    // Somebody who knows STUN answered, and did not do what was asked.
    return say('undetermined', 'not_mapped', binding.response)
  }
  const failed = failedAt('connect', binding?.failure ?? 'interrupted', because)
  return judgeFailedStep(stunReachabilityName, failed, circumstances)
}

function bindingIn(seen: Observations): v.InferOutput<typeof stunBinding> | undefined {
  return v.parse(stunObservations, seen).x_sonde_stun_bindings[0]
}
