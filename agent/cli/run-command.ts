// `sonde run`: measures on the schedule until it is stopped.

import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import { assemble } from '../assemble/assemble.ts'
import { runLoop } from '../cycle/loop.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
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
    await runLoop({
      clock: agent.clock,
      log: agent.log,
      schedule: cronSchedule(config.schedule, config.jitter_seconds, agent.identity.device),
      signal,
      sleep,
      cycle: (untilNextMs) =>
        shown
          ? cycleShown(agent, agent.list, terminal, { traced: false, untilNextMs })
          : agent.cycle(agent.list, () => {}, untilNextMs),
      deliver: agent.deliver,
      async onCycle(report, nextStartMs) {
        await agent.report(report, nextStartMs)
        if (signal.aborted || !shown) return
        const next = new Date(nextStartMs).toISOString().slice(11, 19)
        terminal.err(`${wrapWords(`Next cycle at ${next} UTC. Ctrl-C stops.`, terminal.columns)}\n`)
      },
    })
    await keepAll(agent.spool)
    agent.log.info('S1002')
  } finally {
    await agent.close()
  }
  return 0
}
