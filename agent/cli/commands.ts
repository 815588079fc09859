// The commands, each a function from the surroundings to an exit code.

import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { LinkState } from '../../tests-spec/nettests/verdict.ts'
import { readToken } from '../../tests-spec/protocol/enrolment.ts'
import { type Agent, assemble, type Surroundings, type UntilNextMs } from '../assemble/assemble.ts'
import type { Delivery } from '../cycle/deliver.ts'
import { runLoop } from '../cycle/loop.ts'
import { writeEnrolment } from '../enrolment/enrolment.ts'
import { readStatus } from '../health/status.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { isDiskFailure } from '../platform/atomic-file.ts'
import { openIdentity } from '../platform/identity.ts'
import { whyUnwritable } from '../platform/state-folder.ts'
import { EnrolmentFailed, enrol } from '../submit/enrol.ts'
import { version } from '../version.ts'
import { progressBar } from './progress.ts'
import { renderTable } from './result-table.ts'
import { statusText } from './status-text.ts'
import type { Terminal } from './terminal.ts'
import { traceText } from './trace-text.ts'
import { wrapWords } from './wrap-words.ts'

export interface Invocation extends Surroundings {
  readonly terminalOut: Terminal
  readonly json: boolean
  /** Of --recipient; null without. */
  readonly recipient: string | null
  /** What stands after the command. */
  readonly operands: readonly string[]
}

export async function run(invocation: Invocation): Promise<number> {
  const { config, signal, sleep, terminalOut } = invocation
  const agent = await assemble(invocation)
  agent.log.info('S1001', { version })
  if (agent.collector === null) agent.log.warn('S5101')
  try {
    const schedule = cronSchedule(config.schedule, config.jitter_seconds, agent.identity.device)
    await runLoop({
      clock: agent.clock,
      log: agent.log,
      schedule,
      signal,
      sleep,
      cycle: (untilNextMs) => cycleShown(agent, agent.list, terminalOut, untilNextMs),
      deliver: agent.deliver,
      async onCycle(report, nextStartMs) {
        await agent.report(report, nextStartMs)
        if (signal.aborted || !terminalOut.showsResults) return
        const next = new Date(nextStartMs).toISOString().slice(11, 19)
        terminalOut.err(`${wrapWords(`Next cycle at ${next} UTC. Ctrl-C stops.`, terminalOut.columns)}\n`)
      },
    })
    agent.log.info('S1002')
  } finally {
    await agent.close()
  }
  return 0
}

export async function once(invocation: Invocation): Promise<number> {
  const { operands, json, terminalOut } = invocation
  // A person waits: nothing is spread for the sake of a crowd.
  const config = { ...invocation.config, upload_spread_seconds: 0 }
  const agent = await assemble({ ...invocation, config, terminal: json ? null : invocation.terminal })
  try {
    const list = operands.length === 0 ? agent.list : listOf(agent.list, operands)
    if (!json) {
      const report = await cycleWithTable(agent, list, terminalOut, operands.length > 0)
      await agent.report(report, null)
      return 0
    }
    const print = (measurement: Measurement) => terminalOut.out(`${JSON.stringify(measurement)}\n`)
    await agent.report(await agent.cycle(list, print), null)
  } finally {
    await agent.close()
  }
  return 0
}

export async function status({ folder, machine, json, terminalOut }: Invocation): Promise<number> {
  const current = await readStatus(folder.status)
  if (current === null) {
    terminalOut.out(json ? 'null\n' : 'No cycle has run here yet. Start one with: sonde run\n')
    return 0
  }
  // What cannot be written does not say so itself: the file is then from before.
  const now = { ...current, unwritable: whyUnwritable(folder.path) }
  terminalOut.out(json ? `${JSON.stringify(now, null, 2)}\n` : statusText(now, machine.wallMs()))
  return 0
}

export async function enrolDevice({
  folder,
  machine,
  operands,
  signal,
  terminalOut,
}: Invocation): Promise<number> {
  const [url, tokenText] = operands
  if (url === undefined || tokenText === undefined || operands.length > 2 || !URL.canParse(url)) {
    throw new ActionableError('bad_usage', 'Usage: sonde enrol URL TOKEN, both as the coordinator gave them.')
  }
  const identity = await openIdentity(folder.deviceKey)
  try {
    const { record } = await enrol(url, tokenText, identity, {
      silenceMs: enrolSilenceMs,
      now: machine.monotonicMs,
      signal,
    })
    const keyId = readToken(tokenText)?.collectorKeyId ?? ''
    await writeEnrolment(folder.enrolment, url, keyId, record)
  } catch (cause) {
    if (cause instanceof EnrolmentFailed)
      throw new ActionableError('enrolment_failed', cause.message, { cause })
    if (!(cause instanceof Error) || !isDiskFailure(cause)) throw cause
    throw new ActionableError(
      'state_unwritable',
      `The collector knows this device now, but ${folder.enrolment} cannot be written: ${cause.message}. Make room or change what is in the way, then the same command again: the token is still good for this device.`,
      { cause },
    )
  }
  terminalOut.out(`Enrolled as ${identity.device} with ${url}\n`)
  return 0
}

/** Long enough for EDGE; a person is waiting. */
const enrolSilenceMs = 30_000

/** In a service nobody watches: the log says how it went, and nothing says what was measured. */
async function cycleShown(agent: Agent, list: TestList, terminal: Terminal, untilNextMs: UntilNextMs) {
  return terminal.showsResults
    ? cycleWithTable(agent, list, terminal, false, untilNextMs)
    : agent.cycle(list, () => {}, untilNextMs)
}

async function cycleWithTable(
  agent: Agent,
  list: TestList,
  terminal: Terminal,
  traced = false,
  untilNextMs: UntilNextMs = () => null,
) {
  const progress = progressBar(terminal.err, terminal.interactive ? terminal.columns : null)
  const measured: Measurement[] = []
  progress.step(0, Math.max(1, list.entries.length))
  const show = (measurement: Measurement, done: number, of: number) => {
    measured.push(measurement)
    progress.step(done, of)
  }
  const report = await agent.cycle(list, show, untilNextMs)
  progress.clear()
  const inListOrder = (a: Measurement, b: Measurement) => place(list, a) - place(list, b)
  if (traced) {
    for (const each of measured) terminal.out(`${traceText(each, terminal.columns, terminal.colour)}\n\n`)
  }
  terminal.out(`${renderTable(measured.sort(inListOrder), terminal.columns, terminal.colour)}\n`)
  const words = summary(report.memory.link, report.delivery, agent)
  // Where nobody watches, a script reads, and one sentence is one line.
  terminal.out(`${terminal.interactive ? wrapWords(words, terminal.columns) : words}\n`)
  return report
}

function place(list: TestList, { input, test_name }: Measurement): number {
  return list.entries.findIndex((entry) => entry.nettest === test_name && entry.input === input)
}

function summary(link: LinkState, delivery: Delivery, agent: Agent): string {
  const { unsealed, pendingBatches } = agent.spool.stats()
  const linkWords: Readonly<Record<typeof link.state, string>> = {
    up: `Link up: ${link.controls_ok} of ${link.controls} controls answered.`,
    down: `Link down since ${link.since ?? 'an unknown time'}: no control answered. Nothing here is called blocked.`,
    degraded: `Link degraded: ${link.controls_ok} of ${link.controls} controls answered. Failures are left undetermined.`,
    captive_portal: 'A captive portal answers in place of the controls. Nothing here is called blocked.',
    bundle_exhausted:
      'The provider answers in place of everyone: the data bundle seems used up. Nothing here is called blocked.',
    provider_only: `Only the provider's own site answers since ${link.since ?? 'an unknown time'}: the bundle is used up, or its way out is cut. Nothing here is called blocked.`,
    unknown: 'The link was not checked: this list has no controls.',
  }
  const kept = `${unsealed} results and ${pendingBatches} batches wait on this device.`
  const upload: Readonly<Record<Delivery['kind'], string>> = {
    delivered: `Uploaded ${delivery.accepted} batches (${delivery.sent} bytes); ${delivery.accepted} receipts.`,
    deferred: `Upload put off (${delivery.reason ?? 'no reason given'}). ${kept}`,
    not_enrolled: `Not enrolled, so nothing was uploaded. ${kept}`,
  }
  return `${linkWords[link.state]}\n${upload[delivery.kind]}`
}

/** The URLs as a list of their own, with the controls and resolvers of the one in force. */
function listOf(list: TestList, urls: readonly string[]): TestList {
  for (const url of urls) {
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) continue
    throw new ActionableError(
      'bad_usage',
      `Cannot measure "${url}": expected a URL such as https://example.org/`,
    )
  }
  const entries = urls.map((url) => ({
    nettest: 'web_connectivity' as const,
    input: url,
    category_code: 'MISC',
  }))
  return { ...list, name: 'once', entries }
}
