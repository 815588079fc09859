// `sonde status`: what the agent said of itself last, whether it lives, and what is in the way of its disk. Writes nothing.

import { type AgentState, agentState } from '../health/agent-state.ts'
import { readStatus } from '../health/status.ts'
import { openStateFolder } from '../platform/state-folder.ts'
import { whyUnwritable } from '../platform/why-unwritable.ts'
import type { Command, Invocation } from './invocation.ts'
import { jsonOption, stateOption } from './options.ts'
import { newcomerText, statusText } from './status-text.ts'

export const statusCommand: Command = {
  name: 'status',
  summary: 'what the agent is doing, and what waits to be sent',
  more: 'Looks, and writes nothing.',
  operands: [],
  options: [stateOption, jsonOption],
  // As the Linux Standard Base has it of a service: 3 is not running, 4 running and not known to be well.
  exits: [
    { code: 3, meaning: 'no agent is running' },
    { code: 4, meaning: 'an agent is running, and more than an hour late for a cycle' },
  ],
  run: status,
}

const exitCodes: Readonly<Record<AgentState['state'], number>> = { running: 0, not_running: 3, stale: 4 }

async function status({ given, env, machine, terminal }: Invocation): Promise<number> {
  const folder = openStateFolder(given.value('state'), env)
  const current = await readStatus(folder.status)
  const now = machine.wallMs()
  const agent = agentState(folder.lock, current, now)
  const code = exitCodes[agent.state]
  // What cannot be written does not say so itself: the file is then from before.
  const unwritable = whyUnwritable(folder.path)
  if (given.has('json')) {
    const said = { ...current, agent: { ...current?.agent, ...agent }, unwritable }
    terminal.out(`${JSON.stringify(said, null, 2)}\n`)
  } else {
    terminal.out(current === null ? newcomerText(agent) : statusText(current, { agent, unwritable, now }))
  }
  return code
}
