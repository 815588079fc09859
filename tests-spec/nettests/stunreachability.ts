// Rules of `stunreachability`: OONI's ts-025 in version 0.4.0. stunreachability.md is the page.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { failure, type StunBinding, stunBinding } from '../data-formats/observation.ts'
import { bareHost } from './host-text.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest } from './nettest-spec.ts'
import { failedAt, failedLookup } from './system-lookup.ts'
import type { Circumstances, Verdict } from './verdict.ts'

const nettest = 'stunreachability'

const rules = ['address_mapped', 'not_mapped'] as const

/** `stun://HOST:PORT`, the port given. */
const stunInput = v.pipe(
  v.string(),
  v.check((text) => parseStunInput(text) !== null, 'expected stun://HOST:PORT'),
)

interface StunServer {
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

export const stunReachability = defineNettest({
  name: nettest,
  version: '0.4.0',
  about: 'a STUN server, without which there are no calls over WebRTC',
  input: stunInput,
  options: null,
  observations: {
    /** At most one; none when there was no address to send to. */
    x_sonde_stun_bindings: v.array(stunBinding),
  },
  lists: ['x_sonde_stun_bindings'],
  findings: {
    /** As in the input, without its scheme. */
    endpoint: v.string(),
    /** null when the mapped address could be read. */
    failure,
  },
  parts: null,
  rules,
  judge({ seen, own, circumstances, input }) {
    const endpoint = (input ?? '').replace(/^stun:\/\//, '')
    const [binding] = own.x_sonde_stun_bindings
    const lookup = failedLookup(seen, circumstances.lab)
    const failure =
      binding === undefined ? (lookup?.failure ?? 'interrupted') : (binding.failure ?? unreadable(binding))
    const verdict =
      lookup === null ? judgeBinding(binding, circumstances) : judgeFailedStep(nettest, lookup, circumstances)
    return { keys: { endpoint, failure }, verdict, parts: null }
  },
})

/** OONI passes on its library's words here; these are ours. */
function unreadable({ mapped_address_family, error_code, response }: StunBinding): Failure | null {
  if (mapped_address_family !== null) return null
  return response === 'error'
    ? `unknown_failure: stun error ${error_code ?? 'without a code'}`
    : 'unknown_failure: stun reply without a mapped address'
}

/**
 * The exchange counts as the step `connect`: it is all that reaching an endpoint over UDP consists of. Silence is what
 * a server that is gone looks like too, so from one place there is no anomaly but in its name.
 */
function judgeBinding(binding: StunBinding | undefined, circumstances: Circumstances): Verdict {
  const because = binding === undefined ? [] : [binding.transaction_id]
  const say = (verdict: Verdict['verdict'], rule: (typeof rules)[number], how: string | null): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@1`,
    step: null,
    how,
    because,
  })
  if (binding !== undefined && binding.failure === null) {
    if (binding.mapped_address_family !== null) return say('ok', 'address_mapped', null)
    // Somebody who knows STUN answered, and did not do what was asked.
    return say('undetermined', 'not_mapped', binding.response)
  }
  return judgeFailedStep(
    nettest,
    failedAt('connect', binding?.failure ?? 'interrupted', because),
    circumstances,
  )
}
