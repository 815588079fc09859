// Where the agent keeps what must survive: one folder, private to its user. Layout:
//   device-key        Ed25519, PKCS8 PEM with the public half behind, mode 0600
//   enrolment.json    the collector's signed enrolment record, and where to find the collector
//   clock.json        what is certain of the time, for a boot that knows nothing
//   memory.json       what one cycle leaves for the next
//   upload.json       what each way to the collector has shown, by ids that name no host
//   status.json       what `sonde status` shows
//   orders.json       which orders of operators were carried out
//   starts.json       how often it has started, and how the run before ended
//   config.json       the operator's, if they want it here
//   consent.json      what the host agreed to, and when
//   host.json         the language that the host is spoken to in
//   pause.json        until when the host wants nothing measured
//   recipient.json    the recipient to seal to for a stick, when a receipt named it after enrolment
//   exports.json      which files on sticks hold which batches
//   socket            where other commands ask the agent that has the folder open
//   carried/          sealed files of other probes, on their way to the collector
//   wait-for-mount    the installer's, in the folder below the mount: what is to be mounted there is not there yet
//   lists/            a folder for each root of trust: the root, what is trusted, lists; and what a stick brought (see agent/update)
//   lists/            a folder for each root of trust: the root, what is trusted, lists (see agent/update)
//   phone.json  heartbeat  watchdog/   on a phone, its watchdog's (deploy/termux)
//   spool/  log/      see agent/spool and agent/platform/log-ring.ts

import { accessSync, constants, existsSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { ActionableError } from './actionable-error.ts'
import { isFull, isSick } from './atomic-file.ts'

export interface StateFolder {
  readonly path: string
  readonly deviceKey: string
  readonly enrolment: string
  readonly clock: string
  readonly memory: string
  readonly upload: string
  readonly status: string
  readonly consent: string
  readonly host: string
  readonly pause: string
  readonly starts: string
  readonly orders: string
  readonly lock: string
  readonly recipient: string
  readonly exports: string
  readonly socket: string
  readonly carried: string
  readonly lists: string
  readonly spool: string
  readonly log: string
}

/**
 * Opens a state folder that exists already. Writes nothing and makes nothing, so that a mistyped `--state` does not
 * look like a device that has never measured.
 *
 * @param chosen - From `--state` or SONDE_STATE; null takes the XDG place.
 * @throws {ActionableError} `no_state`, `collector_state`, `state_unreadable`, or `bad_usage` when there is no home folder to look in.
 */
export function openStateFolder(
  chosen: string | null,
  env: Readonly<Record<string, string | undefined>>,
): StateFolder {
  const path = resolve(chosen ?? stateFolderPath(env))
  try {
    if (!statSync(path).isDirectory()) throw noState(`${path} is no folder`)
    accessSync(path, constants.R_OK | constants.X_OK)
  } catch (cause) {
    if (cause instanceof ActionableError) throw cause
    // A card that fails may still give the files that are wanted.
    if (isSick(cause)) return layoutOf(path)
    if (!isCode(cause, 'EACCES')) throw noState(`There is no state folder ${path}`, cause)
    throw new ActionableError(
      'state_unreadable',
      `The state folder ${path} belongs to another user. Give this command as that user, or as root.`,
      { cause },
    )
  }
  refuseCollectors(path)
  refuseUnmounted(path)
  return layoutOf(path)
}

/**
 * Makes the folder if it does not exist, and checks that it can be written. An existing folder on a disk that is
 * full, failing or read-only is accepted: the fault may pass.
 *
 * @param chosen - From `--state` or SONDE_STATE; null takes the XDG place.
 * @throws {ActionableError} `collector_state`, `state_unwritable`, or `bad_usage` when there is no home folder to put it in.
 */
export function makeStateFolder(
  chosen: string | null,
  env: Readonly<Record<string, string | undefined>>,
): StateFolder {
  const path = resolve(chosen ?? stateFolderPath(env))
  const folder = layoutOf(path)
  refuseCollectors(path)
  refuseUnmounted(path)
  try {
    // Other users of the machine learn nothing from these folders, not even how much is in them.
    for (const each of [path, folder.spool, folder.log, folder.carried]) makeFolder(each)
    accessSync(path, constants.W_OK | constants.X_OK)
  } catch (cause) {
    // A card that has become full, failing or read-only is no reason to stop measuring: results wait in memory.
    if (isSick(cause) && (existsSync(path) || isFull(cause))) return folder
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError(
      'state_unwritable',
      `Cannot write to the state folder ${path}: ${why}. Choose another with --state DIR, or make this one writable.`,
      { cause },
    )
  }
  return folder
}

/** Seen where a file system is to be mounted, and is not yet. */
const mountMark = 'wait-for-mount'

/**
 * What an agent has to wait for before it can use its folder, in a word; null where it need not. A folder of another user's may
 * be given back; what else is in the way does not pass by itself.
 */
export function awaitedAt(
  chosen: string | null,
  env: Readonly<Record<string, string | undefined>>,
): 'mount' | 'owner' | null {
  const path = resolve(chosen ?? stateFolderPath(env))
  if (existsSync(join(path, mountMark))) return 'mount'
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    if (isCode(error, 'EACCES') && statOrNull(path)?.isDirectory() === true) return 'owner'
  }
  return null
}

/** @throws {ActionableError} `no_state`. */
function refuseUnmounted(path: string): void {
  if (!existsSync(join(path, mountMark))) return
  throw new ActionableError(
    'no_state',
    `What is to be mounted at ${path} is not there: ${mountMark} is in the folder below it. Mount it, then do the same again; if nothing is mounted there any more, remove that file.`,
  )
}

/** Remembers which folder is at `path`. */
export function placeNow(path: string): { isStill(): boolean } {
  const before = statOrNull(path)
  return {
    /** False when another folder is there by now, as after a mount; true also while nothing is known. */
    isStill() {
      const now = statOrNull(path)
      return before === null || now === null || (now.dev === before.dev && now.ino === before.ino)
    },
  }
}

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

/** What a collector makes in its folder before anything else, and an agent never. */
const collectorsOwn = ['collector-key', 'sealing-key', 'index.sqlite', 'tokens', 'batches']

/**
 * Both programs read SONDE_STATE, and an agent would put its lock and its key among a collector's.
 * @throws {ActionableError} `collector_state`.
 */
function refuseCollectors(path: string): void {
  const found = collectorsOwn.find((name) => existsSync(join(path, name)))
  if (found === undefined) return
  throw new ActionableError(
    'collector_state',
    `${path} is the state folder of a collector: ${found} is in it. Name another for this agent with --state DIR or SONDE_STATE.`,
  )
}

function noState(what: string, cause?: unknown): ActionableError {
  return new ActionableError(
    'no_state',
    `${what}. Name the one that the agent uses with --state DIR; sonde run, once and enrol make a new one.`,
    { cause },
  )
}

function layoutOf(path: string): StateFolder {
  return {
    path,
    deviceKey: join(path, 'device-key'),
    enrolment: join(path, 'enrolment.json'),
    clock: join(path, 'clock.json'),
    memory: join(path, 'memory.json'),
    upload: join(path, 'upload.json'),
    status: join(path, 'status.json'),
    consent: join(path, 'consent.json'),
    host: join(path, 'host.json'),
    pause: join(path, 'pause.json'),
    starts: join(path, 'starts.json'),
    orders: join(path, 'orders.json'),
    lock: join(path, 'lock'),
    recipient: join(path, 'recipient.json'),
    exports: join(path, 'exports.json'),
    socket: join(path, 'socket'),
    carried: join(path, 'carried'),
    lists: join(path, 'lists'),
    spool: join(path, 'spool'),
    log: join(path, 'log'),
  }
}

/**
 * Makes `path` and the folders above it, private to this user. Node's own `recursive` is not used: where the system
 * answers ENOENT under a folder that exists (procfs, some Android storage), it loops for ever.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  const above = dirname(path)
  if (above !== path) makeFolder(above)
  mkdirSync(path, { mode: 0o700 })
}

/** As `makeFolder()`. On a disk that refuses, what was to be kept there is known to this process alone. */
export function makeFolderIfPossible(path: string): void {
  try {
    makeFolder(path)
  } catch {}
}

/** Where state is kept when the operator names no folder; null when there is no home folder. Makes nothing. */
export function usualStateFolder(env: Readonly<Record<string, string | undefined>>): string | null {
  // XDG Base Directory Specification: state is what should survive restarts but is not worth carrying elsewhere.
  const base = xdgFolder(env.XDG_STATE_HOME, '.local/state')
  return base === null ? null : join(base, 'sonde')
}

/**
 * As `usualStateFolder()`, for what cannot do without.
 * @throws {ActionableError} `bad_usage` when there is no home folder to put it in.
 */
export function stateFolderPath(env: Readonly<Record<string, string | undefined>>): string {
  const path = usualStateFolder(env)
  if (path === null)
    throw new ActionableError(
      'bad_usage',
      'There is no home folder here: say where to keep state with --state DIR.',
    )
  return path
}

/**
 * Where the configuration is read from when the operator names no file: `config.json` in a state folder that was
 * chosen, otherwise in the XDG place. The file need not exist.
 *
 * @param chosen - From `--state` or SONDE_STATE; null when neither was given.
 * @returns null when there is no home folder to look in.
 */
export function usualConfigPath(
  chosen: string | null,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  if (chosen !== null) return join(resolve(chosen), 'config.json')
  const base = xdgFolder(env.XDG_CONFIG_HOME, '.config')
  return base === null ? null : join(base, 'sonde', 'config.json')
}

/** The specification says that a relative path there is to be ignored. */
function xdgFolder(given: string | undefined, below: string): string | null {
  if (given !== undefined && isAbsolute(given)) return given
  const home = homeFolder()
  return home === '' ? null : join(home, below)
}

/** @returns Empty where there is none: without HOME, Node.js asks who the user is, and a container's may have no name. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return ''
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
