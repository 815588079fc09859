// `sonde pause 6h` and `sonde resume`: the host wants nothing measured or sent for a while. An agent that runs obeys within
// seconds; one that starts later obeys too.

import { endPause, longestPauseMs, pausedUntil, pauseMs, usualPauseMs, writePause } from '../consent/pause.ts'
import { makeStateFolder, openStateFolder } from '../platform/state-folder.ts'
import { written } from './consent-command.ts'
import { hostDate, talkTo } from './host-talk.ts'
import type { Command, Invocation } from './invocation.ts'
import { langOption, stateOption } from './options.ts'

const days = longestPauseMs / 86_400_000

export const pauseCommand: Command = {
  name: 'pause',
  summary: 'measure and send nothing for a while',
  more: `TIME is such as 30min, 6h or 2d (2j), ${days} days at most, and a day unless said. It outlasts restarts, and ends by itself.`,
  operands: [
    {
      name: 'TIME',
      kind: 'text',
      count: 'one or none',
      check: (text) => (pauseMs(text) === null ? `a time such as 30min, 6h or 2d, ${days}d at most` : null),
    },
  ],
  options: [stateOption, langOption],
  async run(invocation) {
    const { given, env, machine } = invocation
    const [time] = given.operands
    // Made where there is none: a pause that is ordered before the first start holds too.
    const folder = makeStateFolder(given.value('state'), env)
    const until = machine.wallMs() + (time === undefined ? usualPauseMs : (pauseMs(time) ?? usualPauseMs))
    await written(folder.pause, () => writePause(folder.pause, until))
    const { tell } = await talkTo(invocation, given.value('lang'), folder)
    tell('paused_until', { date: hostDate(until) })
    return 0
  },
}

export const resumeCommand: Command = {
  name: 'resume',
  aliases: ['reprendre'],
  summary: 'end a pause',
  operands: [],
  options: [stateOption, langOption],
  run: resume,
}

async function resume(invocation: Invocation): Promise<number> {
  const { given, env, machine } = invocation
  const folder = openStateFolder(given.value('state'), env)
  const was = await pausedUntil(folder.pause, machine.wallMs())
  await written(folder.pause, () => endPause(folder.pause))
  const { tell } = await talkTo(invocation, given.value('lang'), folder)
  tell(was === null ? 'was_not_paused' : 'resumed')
  return 0
}
