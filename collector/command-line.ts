// What the collector is asked to do: the command line, and SONDE_… for those who start it from a unit file.

import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { type DeviceId, deviceId } from '../tests-spec/protocol/batch.ts'
import { type HelperEndpoint, readEndpoint } from '../tests-spec/protocol/test-helper.ts'
import type { VerifyRequest } from './commands/verify.ts'
import type { HelperSettings } from './test-helper/test-helper.ts'

export const usage = `Usage: sonde-collector COMMAND --state DIR [OPTIONS]

Receives batches from probes, keeps them, signs for them, and shows what is in them.

Commands:
  serve           Receive and show. Prints {"event":"listening","url":…} when it is ready; logs to stderr
  token           Print a token that enrols one probe. It is shown once and works once
  import DIR      Take in what probes exported to a stick, and put the receipts beside it.
                  Works while the collector serves, and while it does not. Ends with 1 when something was not taken
  recipient       Print the key that probes seal to for a stick; back up the file it names
  revoke DEVICE   Take nothing more from a probe, at once and for good; --undo takes its batches again
  rebuild-index   Make the index again from the archive. The collector must not be running
  verify FILE...  Check batch files offline and say what they prove, by --key or the probes of --state.
                  Ends with 0 when all are good, 1 when one is not; batches that are missing are no fault

Options:
  --state DIR     Where everything is kept; made when it is missing    [SONDE_STATE]
  --host ADDRESS  Where to listen, 127.0.0.1 unless said otherwise     [SONDE_HOST]
  --port PORT     8080 unless said otherwise; 0 for any that is free   [SONDE_PORT]
  --log LEVEL     debug, info, warn or error; info unless said so      [SONDE_LOG]
  --endpoints FILE   serve: ways to this collector, a JSON array, for the records of probes that enrol from now on
  --undo          revoke: take batches of the probe again
  --key KEY       verify: a probe's public key, base64 SPKI; may be repeated
  --json          verify, import: print one JSON object
  --helper        Be a test helper too: look at a URL for whoever asks, so that probes can compare
  --helper-resolver IP[:PORT]   Whom the helper asks for addresses; the system's resolvers unless said so
  --helper-allow-private        In a laboratory: let the helper connect to private addresses and this machine
  --help, --version
`

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

export type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'token' | 'rebuild-index' | 'recipient'; readonly state: string }
  | { readonly name: 'import'; readonly state: string; readonly stick: string; readonly json: boolean }
  | { readonly name: 'revoke'; readonly state: string; readonly device: DeviceId; readonly undo: boolean }
  | ({ readonly name: 'verify'; readonly json: boolean } & VerifyRequest)
  | {
      readonly name: 'serve'
      readonly state: string
      readonly host: string
      readonly port: number
      readonly logLevel: (typeof logLevels)[number]
      /** null: not a test helper. */
      readonly helper: HelperSettings | null
      /** File of ways to this collector; null when there are none but the URL of each enrolment. */
      readonly endpoints: string | null
    }

/** A command line that does not say what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'usage'
}

/**
 * Reads the command line; what it leaves open comes from `environment`.
 *
 * @throws {UsageError} For anything that is not understood, extra arguments included.
 */
export function readCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const { values, positionals } = parse(args)
  if (values.help) return { name: 'help' }
  if (values.version) return { name: 'version' }
  const [name, ...more] = positionals
  if (name === undefined)
    throw new UsageError('Say what to do: serve, token, revoke, import, recipient, rebuild-index or verify')
  if (name === 'verify') return readVerify(more, values, environment)
  if (values.key !== undefined || (values.json && name !== 'import'))
    throw new UsageError(`Cannot use --key or --json with ${name}`)
  if (values.undo && name !== 'revoke') throw new UsageError(`Cannot use --undo with ${name}`)
  if (values.endpoints !== undefined && name !== 'serve')
    throw new UsageError(`Cannot use --endpoints with ${name}`)
  const device = name === 'revoke' ? readDevice(more) : null
  const stick = name === 'import' ? more.shift() : undefined
  if (device === null && more.length > 0)
    throw new UsageError(`Cannot understand "${more.join(' ')}" after ${name}`)
  const state = values.state ?? environment.SONDE_STATE
  if (state === undefined || state === '') throw new UsageError('Say where to keep everything: --state DIR')
  switch (name) {
    case 'serve':
      return {
        name,
        state,
        host: values.host ?? environment.SONDE_HOST ?? '127.0.0.1',
        port: readPort(values.port ?? environment.SONDE_PORT ?? '8080'),
        logLevel: readLevel(values.log ?? environment.SONDE_LOG ?? 'info'),
        helper: readHelper(values),
        endpoints: values.endpoints ?? null,
      }
    case 'revoke':
      if (device === null) break
      return { name, state, device, undo: values.undo ?? false }
    case 'token':
    case 'rebuild-index':
    case 'recipient':
      return { name, state }
    case 'import':
      if (stick === undefined) throw new UsageError('Say where the stick is: import DIR')
      return { name, state, stick, json: values.json ?? false }
  }
  throw new UsageError(
    `Cannot do "${name}": expected serve, token, revoke, import, recipient, rebuild-index or verify`,
  )
}

function readDevice(operands: readonly string[]): DeviceId {
  const device = v.safeParse(deviceId, operands[0])
  if (operands.length === 1 && device.success) return device.output
  throw new UsageError('Say which probe: revoke DEVICE, 32 hex digits')
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = {
    state: text,
    host: text,
    port: text,
    log: text,
    key: { type: 'string', multiple: true } as const,
    json: flag,
    endpoints: text,
    undo: flag,
    helper: flag,
    'helper-resolver': text,
    'helper-allow-private': flag,
    help: flag,
    version: flag,
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function readVerify(
  files: readonly string[],
  { key: keys = [], json = false, ...values }: ReturnType<typeof parse>['values'],
  environment: NodeJS.ProcessEnv,
): Command {
  if (files.length === 0) throw new UsageError('Say which batch files: verify FILE...')
  // Keys that were given are meant: a state folder of the environment adds its probes only where there are none.
  const state = values.state ?? (keys.length > 0 ? undefined : environment.SONDE_STATE) ?? ''
  if (keys.length === 0 && state === '')
    throw new UsageError('Say whose batches these are: --key KEY or --state DIR')
  return { name: 'verify', files, keys, state: state === '' ? null : state, json }
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new UsageError(`Cannot listen on port "${text}": expected 0 to 65535`)
}

function readLevel(text: string): (typeof logLevels)[number] {
  const level = logLevels.find((each) => each === text)
  if (level !== undefined) return level
  throw new UsageError(`Cannot log at "${text}": expected ${logLevels.join(', ')}`)
}

function readHelper(values: ReturnType<typeof parse>['values']): HelperSettings | null {
  const { helper = false, 'helper-resolver': resolver, 'helper-allow-private': allowPrivate = false } = values
  if (helper) return { allowPrivate, resolver: resolver === undefined ? null : readResolver(resolver) }
  // Somebody who meant to start one would not notice that there is none.
  if (resolver !== undefined || allowPrivate) throw new UsageError('Say --helper to be a test helper')
  return null
}

function readResolver(text: string): HelperEndpoint {
  const endpoint = isIP(text) === 0 ? readEndpoint(text) : { ip: text, port: 53 }
  if (endpoint !== null) return endpoint
  throw new UsageError(`Cannot ask the resolver "${text}": expected IP or IP:PORT, IPv6 in brackets`)
}
