// Rules of `tor`: OONI's ts-023 in version 0.4.0. Whether the ways into the Tor network are open, each kind by itself.
// tor.md is the page; the targets are in tor-targets.ts.

import * as v from 'valibot'
import { failure, type Observations } from '../data-formats/observation.ts'
import { type FailedStep, tagged } from './failed-step.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest, noInput } from './nettest-spec.ts'
import { failedAt } from './system-lookup.ts'
import { type TorProtocol, torProtocols, torTargets } from './tor-targets.ts'
import { type Circumstances, gravest, isCutOff, partsOf, steps, type Verdict } from './verdict.ts'

const nettest = 'tor'

/** Every observation of a target carries its id. */
export const targetTag = (id: string) => `target=${id}`

const torOptions = v.strictObject({
  /** In the place of the public ones. */
  targets: v.optional(torTargets),
})

const measured = v.looseObject({
  target_address: v.string(),
  target_name: v.optional(v.string()),
  target_protocol: v.picklist(torProtocols),
})
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const outcome = v.object({
  ...measured.entries,
  agent: v.literal('redirect'),
  failure,
  summary: v.object({ connect: v.object({ failure }), handshake: v.optional(v.object({ failure })) }),
})

const findings = {
  dir_port_total: count,
  dir_port_accessible: count,
  obfs4_total: count,
  obfs4_accessible: count,
  or_port_total: count,
  or_port_accessible: count,
  or_port_dirauth_total: count,
  or_port_dirauth_accessible: count,
  /** By their ids, those of the list or of tor-targets.ts. */
  targets: v.record(v.string(), outcome),
}
type TorKeys = Readonly<v.InferOutput<v.ObjectSchema<typeof findings, undefined>>>

export const tor = defineNettest({
  name: nettest,
  version: '0.4.0',
  about: 'the ways into the Tor network',
  input: noInput,
  options: torOptions,
  /** Under OONI's name: what was tried. What became of it takes its place. */
  observations: { targets: v.record(v.string(), measured) },
  /** OONI puts the observations inside each target; ours stand in the five lists, under the target's tag. */
  findings,
  /** One for each kind that has targets. */
  parts: partsOf(...torProtocols),
  rules: [
    'dir_port_reached',
    'or_port_dirauth_reached',
    'or_port_reached',
    'bridge_reached',
    'dir_port_all_fail',
    'or_port_dirauth_all_fail',
  ],
  judge({ seen, own, circumstances }) {
    const outcomes = outcomesIn(seen, own.targets)
    return { keys: keysOf(outcomes), ...judgeKinds(outcomes, circumstances) }
  },
})

function keysOf(outcomes: readonly TargetOutcome[]): TorKeys {
  const count = (protocol: TorProtocol, accessible: boolean) =>
    outcomes.filter((each) => each.protocol === protocol && (!accessible || each.failed === null)).length
  const counts = torProtocols.flatMap((protocol) => [
    [`${protocol}_total`, count(protocol, false)],
    [`${protocol}_accessible`, count(protocol, true)],
  ])
  const described = outcomes.map(({ id, target, failed, protocol }) => {
    const connect = { failure: failed?.step === 'connect' ? failed.failure : null }
    const handshake = { failure: failed?.step === 'tls_handshake' ? failed.failure : null }
    const hasHandshake = protocol.startsWith('or_port') && connect.failure === null
    const summary = hasHandshake ? { connect, handshake } : { connect }
    return [id, { ...target, agent: 'redirect', failure: failed?.failure ?? null, summary }]
  })
  return {
    ...(Object.fromEntries(counts) as Omit<TorKeys, 'targets'>),
    targets: Object.fromEntries(described),
  }
}

interface TargetOutcome {
  readonly id: string
  readonly target: v.InferOutput<typeof measured>
  readonly protocol: TorProtocol
  /** null when it was reached, by OONI's rule: any answer to the request, any end of the handshake that is one. */
  readonly failed: FailedStep | null
  /** A page where a directory should have answered. */
  readonly page: FailedStep | null
}

function outcomesIn(
  seen: Observations,
  targets: Readonly<Record<string, v.InferOutput<typeof measured>>>,
): TargetOutcome[] {
  return Object.entries(targets).map(([id, target]) => {
    const of = tagged(seen, targetTag(id))
    const { target_protocol: protocol } = target
    return { id, target, protocol, failed: failureIn(of, protocol), page: pageIn(of) }
  })
}

function failureIn(seen: Observations, protocol: TorProtocol): FailedStep | null {
  const connect = seen.tcp_connect[0]
  if (connect === undefined) return failedAt('connect', 'interrupted', [])
  const because = [connect.transaction_id]
  if (connect.status.failure !== null) return failedAt('connect', connect.status.failure, because)
  if (protocol === 'obfs4') return null
  if (protocol === 'dir_port') {
    const request = seen.requests[0]
    const failure = request === undefined ? 'interrupted' : request.failure
    return failure === null ? null : failedAt('http_round_trip', failure, because)
  }
  const handshake = seen.tls_handshakes[0]
  const failure = handshake === undefined ? 'interrupted' : handshake.failure
  return failure === null ? null : failedAt('tls_handshake', failure, because)
}

/** Directories serve text and compressed text; a block page is HTML. */
function pageIn({ requests: [request] }: Observations): FailedStep | null {
  const type = request?.failure === null ? request.response.headers['Content-Type'] : undefined
  const isPage = type?.toLowerCase().startsWith('text/html') === true
  return isPage ? failedAt('http_round_trip', 'http_invalid_response', [request?.transaction_id ?? 0]) : null
}

/** The authorities are run by different people in several countries; with fewer, a coincidence is thinkable. */
const fewestAuthorities = 3

/** Kinds as rule names have them, which have no digits. */
const kindNames: Readonly<Record<TorProtocol, string>> = {
  dir_port: 'dir_port',
  or_port_dirauth: 'or_port_dirauth',
  or_port: 'or_port',
  obfs4: 'bridge',
}

function judgeKinds(
  outcomes: readonly TargetOutcome[],
  circumstances: Circumstances,
): { readonly verdict: Verdict; readonly parts: Readonly<Record<string, Verdict>> } {
  const judged = torProtocols.flatMap((protocol) => {
    const ofKind = outcomes.filter((each) => each.protocol === protocol)
    return ofKind.length === 0 ? [] : [[protocol, judgeKind(protocol, ofKind, circumstances)] as const]
  })
  const verdicts = judged.map(([, verdict]) => verdict)
  // Relays come and go: a kind whose targets are all silent says nothing where another kind got through.
  const silence = `${nettest}/no_outside_view@1`
  const speaking = verdicts.some(({ verdict }) => verdict === 'ok')
    ? verdicts.filter(({ rule }) => rule !== silence)
    : verdicts
  const none = judgeFailedStep(nettest, failedAt('connect', 'interrupted', []), circumstances)
  return { verdict: gravest(speaking) ?? none, parts: Object.fromEntries(judged) }
}

function judgeKind(
  protocol: TorProtocol,
  outcomes: readonly TargetOutcome[],
  circumstances: Circumstances,
): Verdict {
  const reached = outcomes.filter((each) => each.failed === null && each.page === null)
  if (reached.length > 0 && !isCutOff(circumstances.link)) {
    return {
      verdict: 'ok',
      rule: `${nettest}/${kindNames[protocol]}_reached@1`,
      step: null,
      how: null,
      because: [],
    }
  }
  const failures = outcomes.flatMap((each) => each.failed ?? each.page ?? [])
  const failed = commonest(failures) ?? failedAt('connect', 'interrupted', [])
  const verdict = judgeFailedStep(nettest, failed, circumstances)
  const authorities = protocol === 'dir_port' || protocol === 'or_port_dirauth'
  const silent = verdict.rule === `${nettest}/no_outside_view@1`
  if (!silent || !authorities || outcomes.length < fewestAuthorities) return verdict
  return { ...verdict, verdict: 'anomaly', rule: `${nettest}/${kindNames[protocol]}_all_fail@1` }
}

/** Of those that came furthest the commonest, since the rare one may be chance. Rests on all that came as far. */
function commonest(failures: readonly FailedStep[]): FailedStep | undefined {
  const deepest = Math.max(...failures.map(({ step }) => steps.indexOf(step)))
  const furthest = failures.filter(({ step }) => steps.indexOf(step) === deepest)
  const count = ({ failure }: FailedStep) => furthest.filter((each) => each.failure === failure).length
  const speaks = furthest.reduce<FailedStep | undefined>(
    (most, each) => (most === undefined || count(each) > count(most) ? each : most),
    undefined,
  )
  return speaks && { ...speaks, because: furthest.flatMap((each) => each.because), hosts: count(speaks) }
}
