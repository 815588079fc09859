// `sonde run`: measures on the schedule until it is stopped.

import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import { assemble, type Part } from '../assemble/assemble.ts'
import { runLoop, type Turn } from '../cycle/loop.ts'
import { annotationsOf } from '../plan/annotations.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
import { roundSchedule } from '../plan/round-schedule.ts'
import { version } from '../version.ts'
import { type Command, type Invocation, surroundingsOf } from './invocation.ts'
import { keepAll } from './keep-all.ts'
import { configOption, stateOption } from './options.ts'
import { cycleShown } from './shown-cycle.ts'

export const runCommand: Command = {
  name: 'run',
  summary: 'measure on the schedule until stopped',
  more: 'Ctrl-C, and closing the terminal, end the cycle under way, keep what was measured, and stop; a second Ctrl-C does not wait.',
  operands: [],
  options: [
    stateOption,
    configOption,
    { name: 'table', help: "print each cycle's results also where no terminal is" },
  ],
  endsWithTerminal: true,
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const { given, signal, terminal } = invocation
  const surroundings = surroundingsOf(invocation)
  const { config, sleep } = surroundings
  const agent = await assemble(surroundings)
  // In a service nobody watches: the log says how it went, and nothing says what was measured.
  const shown = terminal.shown || given.has('table')
  agent.log.info('S1001', { version })
  if (agent.collector === null) agent.log.warn('S5101')
  try {
    const schedule = cronSchedule(config.schedule, config.jitter_seconds, agent.identity.device)
    await runLoop({
      clock: agent.clock,
      log: agent.log,
      planning: () => ({
        entries: agent.list.entries,
        // A round with nothing in it would only ask the controls.
        rounds: roundSchedule(schedule, Math.max(1, Math.min(config.spread, agent.list.entries.length))),
        seed: agent.identity.device,
        bursts: config.burst,
      }),
      mayBurst: () => true,
      signal,
      sleep,
      cycle(turn) {
        const list = { ...agent.list, entries: [...turn.round.entries] }
        const part = partOf(turn)
        return shown
          ? cycleShown(agent, list, terminal, { traced: false, part })
          : agent.cycle(list, () => {}, part)
      },
      deliver: agent.deliver,
      async onCycle(report, { atMs, targets }) {
        await agent.report(report, atMs)
        if (signal.aborted || !shown) return
        const next = new Date(atMs).toISOString().slice(11, 19)
        terminal.err(
          `${wrapWords(`Next cycle at ${next} UTC, ${targets} of ${agent.list.entries.length} targets. Ctrl-C stops.`, terminal.columns)}\n`,
        )
      },
    })
    await keepAll(agent.spool)
    agent.log.info('S1002')
  } finally {
    await agent.close()
  }
  return 0
}

function partOf({ round, flapping, untilNextMs }: Turn): Part {
  return {
    rounds: round.start?.of ?? 1,
    uploads: round.isLast,
    annotations: (nettest, input) => annotationsOf(round, flapping, nettest, input),
    untilNextMs,
  }
}
