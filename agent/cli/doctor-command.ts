// `sonde doctor`: everything that a device needs, looked at now, one line each, with what to do where it is not well. It needs no
// agent, and disturbs none that runs.

import { statSync } from 'node:fs'
import { readTestList } from '../assemble/named-files.ts'
import { linkNow, type NetworkAround, resolversNow, waysNow } from '../assemble/network-checks.ts'
import { mayMeasure } from '../consent/consent.ts'
import { type Collector, readEnrolment } from '../enrolment/enrolment.ts'
import { agentState } from '../health/agent-state.ts'
import { readStatus } from '../health/status.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { type MachineState, machineState } from '../platform/machine-state.ts'
import { openStateFolder, type StateFolder } from '../platform/state-folder.ts'
import { whyUnwritable } from '../platform/why-unwritable.ts'
import { buildDateMs } from '../version.ts'
import { talkTo } from './host-talk.ts'
import { type Command, configOf, type Invocation } from './invocation.ts'
import { configOption, jsonOption, langOption, stateOption } from './options.ts'
import type { Language, PhraseKey } from './phrases/phrases.ts'
import type { Say } from './phrases/say.ts'
import { standingOf } from './standing.ts'
import { lengthText } from './statut-text.ts'

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'look at everything that a device needs, and say what to do',
  more: 'It asks the controls, both kinds of resolvers and each way to the collector, once, unless the host ordered a pause; typing it is the consent to that. It writes nothing, and needs no agent.',
  operands: [],
  options: [stateOption, configOption, langOption, jsonOption],
  exits: [{ code: 1, meaning: 'something is not well' }],
  run: doctor,
}

interface Check {
  readonly name: PhraseKey
  readonly isWell: boolean
  readonly advice: PhraseKey
  readonly values?: Parameters<Say>[1]
}

async function doctor(invocation: Invocation): Promise<number> {
  const { given, env, terminal } = invocation
  const folder = openStateFolder(given.value('state'), env)
  const { say, tellText, language } = await talkTo(invocation, given.value('lang'), folder)
  let isWell = true
  const found: object[] = []
  for await (const check of checks(invocation, folder, language)) {
    const { name, advice, values } = check
    isWell &&= check.isWell
    const what = say(name, values)
    const todo = check.isWell ? null : say(advice, values)
    if (given.has('json'))
      found.push({ check: name.slice('check_'.length), ...values, ok: check.isWell, todo })
    else tellText(check.isWell ? `✓ ${what} : ${say('well')}` : `✗ ${what} : ${todo}`)
  }
  if (given.has('json')) terminal.out(`${JSON.stringify({ ok: isWell, checks: found }, null, 2)}\n`)
  return isWell ? 0 : 1
}

const dayMs = 86_400_000

/** What is at hand first, then what has to be waited for. */
async function* checks(
  invocation: Invocation,
  folder: StateFolder,
  language: Language,
): AsyncGenerator<Check> {
  const { machine, signal } = invocation
  const now = machine.wallMs()
  const config = configOf(invocation)
  const status = await readStatus(folder.status)
  const { agreement, pausedUntil } = await standingOf(folder, config, now)
  const agent = agentState(folder.lock, status, now)
  yield { name: 'check_agent', isWell: agent.state === 'running', advice: 'do_agent' }
  yield { name: 'check_consent', isWell: mayMeasure(agreement), advice: 'do_consent' }
  if (pausedUntil !== null) yield { name: 'check_pause', isWell: false, advice: 'do_pause' }
  const isTold = machine.syncMark() !== null || status?.clock === 'receipt'
  yield { name: 'check_clock', isWell: isTold && now >= buildDateMs, advice: 'do_clock' }
  const isDiskWell = whyUnwritable(folder.path) === null && status?.spool.health !== 'memory_only'
  yield { name: 'check_disk', isWell: isDiskWell, advice: 'do_disk' }
  const values = { path: folder.path }
  yield { name: 'check_permissions', isWell: isPrivate(folder), advice: 'do_permissions', values }
  const power = isPowerWell(machineState())
  if (power !== null) yield { name: 'check_power', isWell: power, advice: 'do_power' }
  const oldest = status?.spool.oldest_at ?? now
  const waits = { for: lengthText(now - oldest, language) }
  yield { name: 'check_backlog', isWell: now - oldest < 2 * dayMs, advice: 'do_backlog', values: waits }
  const lists = status?.lists
  const areListsWell = lists === undefined || (!lists.stale && !lists.set_aside && lists.refusal === null)
  yield { name: 'check_lists', isWell: areListsWell, advice: 'do_lists' }
  const collector = enrolmentOf(folder)
  yield { name: 'check_enrolment', isWell: collector !== null, advice: 'do_enrolment' }
  if (pausedUntil === null)
    yield* networkChecks({ config, collector, list: readTestList(config), machine, signal })
}

async function* networkChecks(around: NetworkAround): AsyncGenerator<Check> {
  const [{ state }, { system, direct }, ways] = await Promise.all([
    linkNow(around),
    resolversNow(around),
    waysNow(around),
  ])
  const isUp = state === 'up' || around.list.controls.length === 0
  yield { name: 'check_link', isWell: isUp, advice: 'do_link', values: { state } }
  const resolvers = [
    ['check_resolver_system', system],
    ['check_resolver_direct', direct],
  ] as const
  for (const [name, failure] of resolvers)
    yield { name, isWell: failure === null, advice: 'do_resolver', values: { failure: failure ?? '' } }
  for (const [index, { transport, isOpen }] of ways.entries())
    yield { name: 'check_way', isWell: isOpen, advice: 'do_way', values: { n: index + 1, kind: transport } }
}

/** Percent. */
const lowBattery = 15

/** @returns null where the machine tells nothing of it. */
export function isPowerWell({ undervoltage, battery, plugged }: MachineState): boolean | null {
  if (undervoltage === undefined && battery === undefined) return null
  const isCharged = battery === undefined || battery >= lowBattery || plugged === true
  return undervoltage !== true && isCharged
}

/** No other user may read the key; before there is one, all is well. */
function isPrivate({ deviceKey }: StateFolder): boolean {
  return ((statSync(deviceKey, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) === 0
}

/** One that cannot be believed is none. */
function enrolmentOf({ enrolment }: StateFolder): Collector | null {
  try {
    return readEnrolment(enrolment)
  } catch (error) {
    if (error instanceof ActionableError) return null
    throw error
  }
}
