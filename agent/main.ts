// The program `sonde`: reads the command line, starts everything, and turns the outcome into an exit code. The only
// module whose import does something.

import { setMaxListeners } from 'node:events'
import { parseArgs } from 'node:util'
import { enrolDevice, type Invocation, once, run, status } from './cli/commands.ts'
import { help } from './cli/help.ts'
import { carryForOthers, exportToStick, importFromStick } from './cli/stick-commands.ts'
import { processTerminal, type Terminal } from './cli/terminal.ts'
import { verifyFiles } from './cli/verify-command.ts'
import { wrapWords } from './cli/wrap-words.ts'
import { loadConfig } from './config.ts'
import { ActionableError } from './platform/actionable-error.ts'
import { isSick } from './platform/atomic-file.ts'
import { machineClocks } from './platform/clock.ts'
import { openStateFolder, stateFolderPath, usualConfigPath } from './platform/state-folder.ts'
import { softwareName, version } from './version.ts'

const commands: Readonly<Record<string, (invocation: Invocation) => Promise<number>>> = {
  run,
  once,
  status,
  enrol: enrolDevice,
  export: exportToStick,
  'import-receipts': importFromStick,
  carry: carryForOthers,
}

const options = {
  state: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean' },
  recipient: { type: 'string' },
  key: { type: 'string', multiple: true },
  enrolment: { type: 'string', multiple: true },
  table: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const

async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { values, positionals } = readArguments(argv)
  const terminal = processTerminal(env, values.table === true)
  if (values.version === true) {
    terminal.out(`${softwareName} ${version}\n`)
    return 0
  }
  const [name, ...operands] = positionals
  if (values.help === true || name === undefined) {
    terminal.out(help)
    return values.help === true ? 0 : 64
  }
  if (name === 'verify') {
    const { key: keys = [], enrolment: enrolments = [], json = false } = values
    const state = values.state ?? env.SONDE_STATE ?? stateFolderPath(env)
    return verifyFiles({ files: operands, keys, enrolments, state, json }, terminal)
  }
  const command = commands[name]
  if (command === undefined) {
    throw new ActionableError('bad_usage', `There is no command "${name}". See sonde --help.`)
  }
  const state = values.state ?? env.SONDE_STATE ?? null
  const stop = new AbortController()
  // Every operation under way listens; how many there are is bounded by the concurrency, not by this.
  setMaxListeners(0, stop.signal)
  stopOnSignal(stop, terminal.err)
  return command({
    folder: openStateFolder(state, env),
    config: loadConfig(values.config ?? env.SONDE_CONFIG ?? null, env, usualConfigPath(state, env)),
    machine: machineClocks(),
    signal: stop.signal,
    terminal: (line) => sayLine(terminal, line),
    terminalOut: terminal,
    json: values.json === true,
    recipient: values.recipient ?? null,
    operands,
    sleep: (ms, also = stop.signal) => sleep(ms, AbortSignal.any([stop.signal, also])),
  })
}

/** A line of the log, over a progress bar that may stand there. */
function sayLine({ err, interactive, columns }: Terminal, line: string): void {
  err(interactive ? `\r\u001b[2K${wrapWords(line, columns)}\n` : `${line}\n`)
}

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('bad_usage', `${why}. See sonde --help.`, { cause })
  }
}

/** The first signal ends the cycle under way, keeps what was measured and stops; a second one does not wait. */
function stopOnSignal(stop: AbortController, say: (text: string) => void): void {
  const handle = () => {
    if (stop.signal.aborted) process.exit(130)
    say('\nStopping: keeping what was measured. Once more to stop at once.\n')
    stop.abort()
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  // The terminal was closed: same as being told to stop.
  process.on('SIGHUP', handle)
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

try {
  process.exitCode = await main(process.argv.slice(2), process.env)
} catch (error) {
  const refusal = actionable(error)
  if (refusal !== null) {
    process.stderr.write(`sonde: ${refusal.message} [${refusal.code}]\n`)
    process.exitCode = refusal.exitCode
  } else {
    // A bug. The stack is what a maintainer needs; 70 is EX_SOFTWARE.
    process.stderr.write(`sonde: a bug: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = 70
  }
}
