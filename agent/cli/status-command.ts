// `sonde status`: what the agent said of itself last, whether it lives, and what is in the way of its disk. Writes nothing.

import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ExitWords } from '../../tests-spec/command-line/command-words.ts'
import { type AgentState, agentState } from '../health/agent-state.ts'
import { readStatus, type Status } from '../health/status.ts'
import { unreadableIn } from '../health/unreadable.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { openStateFolder } from '../platform/state-folder.ts'
import { whyUnwritable } from '../platform/why-unwritable.ts'
import type { Command, Invocation } from './invocation.ts'
import { jsonOption, stateOption } from './options.ts'
import { standingOf } from './standing.ts'
import { heldLines, newcomerText, statusText, type UnreadSpool } from './status-text.ts'

export const statusExits: readonly ExitWords[] = [
  { code: 3, meaning: 'no agent is running' },
  { code: 4, meaning: 'an agent is running, and more than an hour late for a cycle' },
]

export const statusCommand: Command = {
  name: 'status',
  summary: 'what the agent is doing, and what waits to be sent',
  more: 'Looks, and writes nothing.',
  operands: [],
  options: [stateOption, jsonOption],
  // As the Linux Standard Base has it of a service: 3 is not running, 4 running and not known to be well.
  exits: [
    ...statusExits,
    { code: 66, meaning: 'the spool, or all of the state folder, cannot be read: what waits is not known' },
  ],
  run: status,
}

const exitCodes: Readonly<Record<AgentState['state'], number>> = { running: 0, not_running: 3, stale: 4 }

async function status({ given, env, machine, terminal }: Invocation): Promise<number> {
  const folder = openStateFolder(given.value('state'), env)
  // Before it is read: the first one may be written in between.
  const isThere = existsSync(folder.status)
  const current = await readStatus(folder.status)
  const now = machine.wallMs()
  const agent = agentState(folder.lock, current, now)
  if (current === null && isThere) throw damaged(folder.status, agent)
  const standing = await standingOf(folder, { host_agreed: false }, now)
  const held = heldLines(standing, agent)
  // What is not to measure is not late.
  const state = held.length > 0 && agent.state === 'stale' ? 'running' : agent.state
  const unread = unreadOf(folder.spool, current)
  const code = unread === null ? exitCodes[state] : 66
  // What cannot be written does not say so itself: the file is then from before.
  const unwritable = whyUnwritable(folder.path)
  if (given.has('json')) {
    const host = { agreement: standing.agreement.state, paused_until: standing.pausedUntil }
    const said = { ...current, agent: { ...current?.agent, ...agent, state }, unwritable, unread, host }
    terminal.out(`${JSON.stringify(said, null, 2)}\n`)
  } else {
    terminal.out(
      current === null
        ? `${held.map((line) => `${line}\n`).join('')}${newcomerText(agent, unwritable, unread)}`
        : statusText(current, { agent: { ...agent, state } as AgentState, unwritable, unread, now, held }),
    )
  }
  return code
}

/**
 * Of what this user cannot read, the agent may not know yet; of what the agent could not, root sees nothing.
 * @returns null when the spool can be read, as far as is known.
 */
function unreadOf(spool: string, current: Status | null): UnreadSpool | null {
  const unread = unreadableIn(spool) ?? current?.spool.unread ?? null
  if (unread === null) return null
  const { uid } = statSync(dirname(spool))
  return { code: unread.code, path: join(spool, unread.path ?? ''), spool, uid }
}

/** Of what an agent did there it says nothing, and not that there was none. */
function damaged(path: string, { pid }: AgentState): ActionableError {
  const who =
    pid === null
      ? 'no agent is running, and the next cycle, of sonde run or once,'
      : `an agent is running (pid ${pid}), and its next cycle`
  return new ActionableError(
    'bad_state',
    `The status in ${path} is damaged or cannot be read. It is for looking at alone, and no result is lost with it: ${who} writes it anew.`,
  )
}
