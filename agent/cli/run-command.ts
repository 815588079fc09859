// `sonde run`: measures on the schedule until it is stopped.

import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import { type Agent, assemble, type Part } from '../assemble/assemble.ts'
import { type Meanwhile, measureMeanwhile, nowhere } from '../assemble/meanwhile.ts'
import type { Config } from '../config.ts'
import { mayMeasure, writeConsent } from '../consent/consent.ts'
import { runLoop, type Turn } from '../cycle/loop.ts'
import { annotationsOf } from '../plan/annotations.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
import { presentOf } from '../plan/present.ts'
import { roundSchedule } from '../plan/round-schedule.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { openLog } from '../platform/log.ts'
import { awaitedAt } from '../platform/state-folder.ts'
import { version } from '../version.ts'
import { talkTo } from './host-talk.ts'
import { type Command, type Invocation, meansOf, surroundingsOf } from './invocation.ts'
import { keepAll } from './keep-all.ts'
import { configOption, stateOption, verboseOption } from './options.ts'
import { agreementNow } from './phrases/consent-text.ts'
import { cycleShown } from './shown-cycle.ts'
import { allowedBy, isHeld, standingOf } from './standing.ts'
import { whileAllowed } from './while-allowed.ts'

export const runCommand: Command = {
  name: 'run',
  summary: 'measure on the schedule until stopped',
  more: 'Ctrl-C, and closing the terminal, end the cycle under way, keep what was measured, and stop; a second Ctrl-C does not wait.',
  operands: [],
  options: [
    stateOption,
    configOption,
    verboseOption,
    { name: 'table', help: "print each cycle's results also where no terminal is" },
  ],
  endsWithTerminal: true,
  run,
}

/** Measures into memory while the state folder has to be waited for. */
async function untilUsable(invocation: Invocation): Promise<Meanwhile> {
  const { given, env } = invocation
  const why = () => awaitedAt(given.value('state'), env)
  if (why() === null) return { entries: [], dropped: 0 }
  const means = meansOf(invocation)
  // What the host said is in the folder that is not there: only the configuration can tell, and it may be older.
  return means.config.host_agreed ? measureMeanwhile(means, why) : waitMeanwhile(invocation, why)
}

async function waitMeanwhile(
  { signal, sleep, terminal, machine }: Invocation,
  why: () => string | null,
): Promise<Meanwhile> {
  const log = openLog(nowhere, (line) => terminal.err(`${line}\n`), machine.wallMs)
  log.warn('S3907', { waits_for: why() ?? 'nothing' })
  while (!signal.aborted && why() !== null) await sleep(5_000)
  return { entries: [], dropped: 0 }
}

function takeOver({ log, spool }: Agent, { entries, dropped }: Meanwhile): void {
  if (entries.length === 0) return
  log.info('S3906', { records: entries.length, dropped })
  // What the disk refuses now stays with the spool, which says so in its state.
  for (const entry of entries) void spool.put(entry).catch(() => {})
}

/** @throws {ActionableError} `results_lost`, when there are any. */
function lostWith({ entries, dropped }: Meanwhile): number {
  const results = entries.length + dropped
  if (results === 0) return 0
  throw new ActionableError(
    'results_lost',
    `${results} results were in memory only, since the state folder could not be used, and are lost now, as this agent ends.`,
  )
}

async function run(invocation: Invocation): Promise<number> {
  const { given, signal, terminal } = invocation
  const meanwhile = await untilUsable(invocation)
  if (signal.aborted) return lostWith(meanwhile)
  const surroundings = surroundingsOf(invocation)
  const { config, folder } = surroundings
  const look = () => standingOf(folder, config, invocation.machine.wallMs())
  let standing = await look()
  if (config.host_agreed && mayMeasure(standing.agreement)) {
    const { language, say } = await talkTo(invocation, null, folder)
    terminal.err(`${say('start_consents')}\n`)
    // Kept, so that other commands know it, which read no configuration. A disk that refuses may still be measured on.
    const word = agreementNow(language, invocation.machine.wallMs(), 'operator', [])
    if (standing.agreement.state === 'config') await writeConsent(folder.consent, word).catch(() => {})
  }
  const agent = await assemble({ ...surroundings, allowed: () => allowedBy(standing) })
  // In a service nobody watches: the log says how it went, and nothing says what was measured.
  const shown = terminal.shown || given.has('table')
  const { boots, starts, before } = agent.starts
  agent.log.info('S1001', { version, boots, starts, before })
  if (agent.collector === null) agent.log.warn('S5101')
  takeOver(agent, meanwhile)
  let how: 'stopped' | 'failed' = 'failed'
  try {
    await whileAllowed({
      log: agent.log,
      signal,
      sleep: surroundings.sleep,
      async look() {
        const now = await look()
        // Else a watchdog would take an agent that waits for one that hangs.
        if (isHeld(now)) void agent.beat()
        return now
      },
      async began(now) {
        standing = now
        await agent.lookAgain()
      },
      measure: (ending) => measureOn(agent, { invocation, config, shown, ending }),
    })
    await keepAll(agent.spool)
    agent.log.info('S1002')
    how = 'stopped'
  } finally {
    await agent.close(how)
  }
  return 0
}

interface Measuring {
  readonly invocation: Invocation
  readonly config: Config
  readonly shown: boolean
  /** Ends it; includes the signal of the process. */
  readonly ending: AbortSignal
}

/** On the schedule, until it is ended. */
async function measureOn(agent: Agent, { invocation, config, shown, ending }: Measuring): Promise<void> {
  const { terminal, sleep, given } = invocation
  const schedule = cronSchedule(config.schedule, config.jitter_seconds, agent.identity.device)
  await runLoop({
    clock: agent.clock,
    log: agent.log,
    planning: () => ({
      entries: agent.list.entries,
      // A round with nothing in it would only ask the controls.
      rounds: roundSchedule(schedule, Math.max(1, Math.min(config.spread, agent.list.entries.length))),
      campaigns: agent.campaigns,
      seed: agent.identity.device,
      bursts: config.burst,
    }),
    mayBurst: () => true,
    present: () => presentOf(agent.clock.now(), agent.clock.quality(), agent.clock.bounds()),
    isOrdered: agent.isOrdered,
    signal: ending,
    sleep(ms) {
      void agent.beat()
      return sleep(ms, ending)
    },
    cycle(turn) {
      const list = { ...agent.list, entries: [...turn.round.entries] }
      const part = partOf(turn, ending)
      return shown
        ? cycleShown(agent, list, terminal, { traced: false, part, isVerbose: given.has('verbose') })
        : agent.cycle(list, () => {}, part)
    },
    deliver: (untilNextMs) => agent.deliver(untilNextMs, ending),
    async onCycle(report, { atMs, targets, campaigns }) {
      await agent.report(report, atMs, campaigns)
      if (ending.aborted || !shown) return
      const next = new Date(atMs).toISOString().slice(11, 19)
      terminal.err(
        `${wrapWords(`Next cycle at ${next} UTC, ${targets} of ${agent.list.entries.length} targets. Ctrl-C stops.`, terminal.columns)}\n`,
      )
    },
  })
}

function partOf({ round, flapping, untilNextMs }: Turn, signal: AbortSignal): Part {
  return {
    signal,
    rounds: round.start?.of ?? 1,
    uploads: round.isLast,
    annotations: (nettest, input) => annotationsOf(round, flapping, nettest, input),
    untilNextMs,
  }
}
