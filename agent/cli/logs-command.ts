// `sonde logs`: what the agent said of itself, in words or as it is written. Reads the ring on disk, whether an agent runs
// or not, and writes nothing.

import type { OptionWords } from '../../tests-spec/command-line/command-words.ts'
import { type LogLine, LogReader, parseLogLine } from '../platform/log-lines.ts'
import { openStateFolder } from '../platform/state-folder.ts'
import type { Command, Invocation } from './invocation.ts'
import { dayText, logText } from './log-text.ts'
import { stateOption } from './options.ts'

/** How grave a line must be, at least. */
const levels = ['debug', 'info', 'warn', 'error'] as const

const followOption: OptionWords = {
  name: 'follow',
  short: 'f',
  help: 'go on with what is logged from now on',
}
const sinceOption: OptionWords = {
  name: 'since',
  value: {
    name: 'TIME',
    kind: 'text',
    check: (text) =>
      sinceMs(text, 0) === null
        ? 'a length such as 30m, 6h or 2d, or a UTC time such as 2026-11-28T06:00Z'
        : null,
  },
  help: 'from then on: 30m, 6h or 2d ago, or a time',
}
const levelOption: OptionWords = {
  name: 'level',
  value: { name: 'LEVEL', kind: levels },
  help: 'debug, info, warn or error, and what is graver; all unless said',
}

export const logsCommand: Command = {
  name: 'logs',
  summary: 'what the agent said of itself, in words',
  more: 'Looks, and writes nothing. What each code means, and what to do about it, is in docs/configuration.md.',
  operands: [],
  options: [
    stateOption,
    followOption,
    sinceOption,
    levelOption,
    { name: 'json', help: 'print the lines as they are kept, one JSON object each' },
  ],
  endsWithTerminal: true,
  run: logs,
}

/** Short enough to watch, long enough to cost nothing. */
const followEveryMs = 500

async function logs({ given, env, machine, terminal, signal, sleep }: Invocation): Promise<number> {
  const folder = openStateFolder(given.value('state'), env)
  const from = sinceMs(given.value('since') ?? '', machine.wallMs()) ?? 0
  const least = Math.max(0, levels.indexOf((given.value('level') ?? 'debug') as (typeof levels)[number]))
  const follow = given.has('follow')
  const reader = new LogReader(folder.log)
  let before: LogLine | null = null
  let torn = 0
  const show = (text: string) => {
    const line = parseLogLine(text)
    if (line === null) {
      torn += 1
      return
    }
    // A level that is not known may be a newer agent's: it is shown.
    const grave = levels.indexOf(line.level as (typeof levels)[number])
    if (line.timeMs < from || (grave !== -1 && grave < least)) return
    if (given.has('json')) terminal.out(`${JSON.stringify(JSON.parse(text))}\n`)
    else terminal.drawn.out(`${dayText(line, before, terminal)}${logText(line, terminal)}`)
    before = line
  }
  try {
    for (const text of reader.read(!follow)) show(text)
    if (before === null && !given.has('json') && !follow) terminal.err('Nothing is logged there yet.\n')
    while (follow && !signal.aborted) {
      await sleep(followEveryMs)
      for (const text of reader.read(false)) show(text)
    }
  } finally {
    reader.close()
  }
  if (torn > 0)
    terminal.err(`${torn} ${torn === 1 ? 'line was' : 'lines were'} torn, by a power cut or a crash.\n`)
  return 0
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @returns Milliseconds since 1970; null for what is neither a length nor a time. A time without a zone is UTC, as the log's are. */
export function sinceMs(text: string, nowMs: number): number | null {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== '') return nowMs - Number(count) * (units[unit] ?? 0)
  const [, date = '', time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  const ms = date === '' ? Number.NaN : Date.parse(`${date}T${time}${zone}`)
  return Number.isNaN(ms) ? null : ms
}
