// `sonde statut`: whether all is well, for the host. `sonde status` is its sister for operators, and scripts read that one.

import { agentState } from '../health/agent-state.ts'
import { readStatus } from '../health/status.ts'
import { openStateFolder } from '../platform/state-folder.ts'
import { whyUnwritable } from '../platform/why-unwritable.ts'
import { talkTo } from './host-talk.ts'
import type { Command } from './invocation.ts'
import { langOption, stateOption } from './options.ts'
import { standingOf } from './standing.ts'
import { statusExits } from './status-command.ts'
import { statutLines } from './statut-text.ts'

export const statutCommand: Command = {
  name: 'statut',
  summary: 'whether all is well, in a few short lines for the host',
  more: 'Looks, and writes nothing. In French unless said; figures for operators are in status.',
  operands: [],
  options: [stateOption, langOption],
  exits: statusExits,
  async run(invocation) {
    const { given, env, machine, terminal } = invocation
    const folder = openStateFolder(given.value('state'), env)
    const status = await readStatus(folder.status)
    const now = machine.wallMs()
    const { say, language } = await talkTo(invocation, given.value('lang'), folder)
    const agent = agentState(folder.lock, status, now)
    const standing = await standingOf(folder, { host_agreed: false }, now)
    const isDiskBad = whyUnwritable(folder.path) !== null
    const lines = statutLines({ status, agent, standing, isDiskBad, now, language }, say)
    terminal.out(`${lines.join('\n')}\n`)
    return agent.state === 'running' ? 0 : agent.state === 'stale' ? 4 : 3
  },
}
