// The program `sonde`: reads the command line, starts everything, and turns the outcome into an exit code. The only
// module whose import does something.

import { setMaxListeners } from 'node:events'
import { faultLine, faultList } from '../tests-spec/command-line/fault-text.ts'
import { outputLost } from '../tests-spec/command-line/output.ts'
import { plainAnswer } from '../tests-spec/command-line/plain-answer.ts'
import { readCommandLine } from '../tests-spec/command-line/read-command-line.ts'
import { sonde } from './cli/commands.ts'
import { abandonTerminal, processTerminal, type Terminal } from './cli/terminal.ts'
import { ActionableError } from './platform/actionable-error.ts'
import { isSick } from './platform/atomic-file.ts'
import { machineClocks } from './platform/clock.ts'
import { softwareName, version } from './version.ts'

type Environment = Readonly<Record<string, string | undefined>>

async function main(argv: readonly string[], env: Environment, terminal: Terminal): Promise<number> {
  const reading = readCommandLine(sonde, argv, env)
  if (reading.kind === 'faults')
    throw new ActionableError('bad_usage', faultList('This cannot be done:', reading.faults))
  if (reading.kind !== 'command') {
    terminal.out(plainAnswer(sonde, reading, version, terminal.columns))
    return 0
  }
  const { command, given } = reading
  const stop = new AbortController()
  // Every operation under way listens; how many there are is bounded by the concurrency, not by this.
  setMaxListeners(0, stop.signal)
  stopOnSignal(stop, terminal.err, command.endsWithTerminal === true)
  return command.run({
    given,
    env,
    terminal,
    machine: machineClocks(),
    input: () => process.stdin,
    signal: stop.signal,
    sleep: (ms, also = stop.signal) => sleep(ms, AbortSignal.any([stop.signal, also])),
  })
}

/**
 * The first signal ends the cycle under way, keeps what was measured and stops; a second one does not wait.
 * @param endsWithTerminal - Whether a terminal that was closed is such a signal. Otherwise it costs nothing.
 */
function stopOnSignal(stop: AbortController, say: (text: string) => void, endsWithTerminal: boolean): void {
  const handle = () => {
    if (stop.signal.aborted) process.exit(130)
    say('\nStopping: keeping what was measured. Once more to stop at once.\n')
    stop.abort()
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  process.on('SIGHUP', () => {
    process.once('exit', abandonTerminal)
    if (endsWithTerminal) handle()
  })
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

/** @returns null for a bug. A card that refuses where nobody foresaw it is none: a person can do something about it. */
function actionable(error: unknown): ActionableError | null {
  if (error instanceof ActionableError) return error
  if (!(error instanceof Error) || !isSick(error)) return null
  return new ActionableError(
    'state_unwritable',
    `The disk refuses: ${error.message}. It is full, read-only or failing: make room or change the card, then do the same again.`,
    { cause: error },
  )
}

/** @returns The exit code. */
function refuse(error: unknown, { err }: Terminal): number {
  const refusal = actionable(error)
  if (refusal !== null) {
    err(faultLine(softwareName, refusal.message, refusal.code))
    return refusal.exitCode
  }
  // A bug. The stack is what a maintainer needs; 70 is EX_SOFTWARE.
  err(`sonde: a bug: ${error instanceof Error ? error.stack : String(error)}\n`)
  return 70
}

const terminal = processTerminal(process.env)
const code = await main(process.argv.slice(2), process.env, terminal).catch((error) =>
  refuse(error, terminal),
)
const lost = await terminal.settled()
if (lost !== null) terminal.err(faultLine(softwareName, outputLost.sentence(lost), outputLost.code))
if (terminal.isBroken()) process.once('exit', abandonTerminal)
process.exitCode = lost !== null && code === 0 ? outputLost.exitCode : code
