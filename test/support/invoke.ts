// Runs a command of the agent in this process, from its command line: for tests of one command, without a bundle.

import { Readable } from 'node:stream'
import { sonde } from '../../agent/cli/commands.ts'
import { machineClocks } from '../../agent/platform/clock.ts'
import { readCommandLine } from '../../tests-spec/command-line/read-command-line.ts'

/** @throws The error of the command; for a command line that is not understood, its faults. */
export async function invoke(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const reading = readCommandLine(sonde, argv, env)
  if (reading.kind !== 'command') throw new Error(`Not a command: ${JSON.stringify(reading)}`)
  const said = { out: '', err: '' }
  const say = (where: 'out' | 'err') => (text: string) => {
    said[where] += text
  }
  const code = await reading.command.run({
    given: reading.given,
    env,
    terminal: {
      out: say('out'),
      err: say('err'),
      drawn: { out: say('out'), err: say('err') },
      columns: 80,
      shown: false,
      interactive: false,
      colour: false,
    },
    machine: machineClocks(),
    input: () => Readable.from([]),
    signal: new AbortController().signal,
    sleep: async () => {},
  })
  return { code, ...said }
}
