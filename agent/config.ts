// What the operator of a device may set: one JSON file, and the environment over it. Parsed once, here; every bad
// field is named at once, with its place. docs/configuration.md is the page.

import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { parse as parseCron } from 'node-cron'
import * as v from 'valibot'
import { jsonFaultText, parseJsonText } from '../tests-spec/command-line/json-text.ts'
import { nearestName } from '../tests-spec/command-line/nearest-name.ts'
import { quoted, shownText } from '../tests-spec/command-line/quoted.ts'
import { faultsOf, type ValueFault } from '../tests-spec/command-line/value-faults.ts'
import { collectorVariables } from '../tests-spec/command-line/variables.ts'
import { httpUrl } from '../tests-spec/data-formats/http-url.ts'
import { testListResolver } from '../tests-spec/lists/test-list.ts'
import { endpointSetting, maxEndpoints } from '../tests-spec/protocol/endpoint.ts'
import { ActionableError } from './platform/actionable-error.ts'
import { readNamedText } from './platform/named-file.ts'

const cron = v.pipe(v.string(), v.check(isCron, 'expected five cron fields in UTC, such as "*/15 * * * *"'))
/** Fields may be apart by any blanks: tables are often written with tabs. */
const tidyCron = (text: string) => text.trim().split(/\s+/).join(' ')
const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))

/** Names of interfaces have 15 characters at most, and begin with a letter wherever an operator did not choose them. */
const interfaceName = /^[A-Za-z][A-Za-z0-9_.-]{0,14}$/
const sourceName = v.pipe(
  v.string(),
  v.check(
    (text) => isIP(text) !== 0 || interfaceName.test(text),
    'expected an IP address of this device, or the name of an interface, such as wlan0',
  ),
)

const groupName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9-]{1,40}$/, 'expected a name of small letters, digits and hyphens'),
)

const config = v.strictObject({
  /** When cycles begin: cron syntax, UTC. */
  schedule: v.optional(cron, '*/15 * * * *'),
  /** Each probe starts its cycles up to this many seconds late: most of it its own and steady, 20 s at most by chance. */
  jitter_seconds: v.optional(whole(0, 3600), 120),
  /** In how many rounds the list is measured between two starts that are at most an hour apart. */
  spread: v.optional(whole(1, 6), 3),
  /** Whether a target that changed is looked at every minute or two for a while. */
  burst: v.optional(v.boolean(), true),
  /** Tasks under way at once. More is faster and measures times worse. */
  concurrency: v.optional(whole(1, 16), 4),
  /** What failed is measured once more this much later. Rules ask for 30; less is for a laboratory. */
  repeat_after_seconds: v.optional(whole(0, 600), 30),
  /** Most the spool may take on disk, in MB. */
  spool_quota_mb: v.optional(whole(4, 65_536), 64),
  /** Most that sealed files of other probes may take on disk while they are carried, in MB; 0 carries none. */
  carry_quota_mb: v.optional(whole(0, 65_536), 32),
  /** Two letters, ZZ when not to be said. */
  probe_cc: v.optional(v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, 'expected two capitals, such as ML')), 'ZZ'),
  /** The network this device hangs on, as its operator knows it: nothing is looked up. */
  probe_asn: v.optional(v.pipe(v.string(), v.regex(/^AS\d{1,10}$/, 'expected AS and a number')), 'AS0'),
  probe_network_name: v.optional(v.pipe(v.string(), v.maxLength(80)), ''),
  /** What kind of line this is, as its operator knows it: OONI's words. */
  network_type: v.optional(
    v.picklist(
      ['wifi', 'mobile', 'wired_ethernet', 'vpn', 'unknown'],
      'expected wifi, mobile, wired_ethernet, vpn or unknown',
    ),
    'unknown',
  ),
  /** A site of the provider itself, to tell a used-up bundle from a cut line; null asks none. */
  provider_site: v.optional(v.nullable(httpUrl), null),
  /** Whether the collector this device is enrolled at is asked for a look from outside too, behind the helpers of the list. */
  collector_as_helper: v.optional(v.boolean(), true),
  /** Source address of every measurement, or the interface that has it; null leaves it to the system. */
  local_address: v.optional(v.nullable(sourceName), null),
  /** A test list file in place of the built-in core list. */
  test_list: v.optional(v.nullable(v.string()), null),
  /** Groups whose lists are measured beside the core list, once signed lists are trusted. */
  groups: v.optional(v.pipe(v.array(groupName), v.maxLength(8)), []),
  /** A file with the root of trust that lists are signed by, in place of the one that the enrolment names. */
  lists_root: v.optional(v.nullable(v.string()), null),
  /** Lists are asked for no sooner than this after the last time that nothing was new. */
  lists_every_minutes: v.optional(whole(1, 1_440), 60),
  /** Resolvers to ask beside the system's, in place of the list's. */
  resolvers: v.optional(v.nullable(v.array(testListResolver)), null),
  /** Further ways to the collector, tried after the URL of the enrolment. */
  endpoints: v.optional(v.pipe(v.array(endpointSetting), v.maxLength(maxEndpoints)), []),
  /** After a start, results without anomalies are sent up to this much later, by chance. */
  upload_spread_seconds: v.optional(whole(0, 600), 60),
  /** A file that is written after each step that is finished, for a watchdog to look at; null writes none. */
  heartbeat_file: v.optional(v.nullable(v.string()), null),
  /** What a phone's watchdog writes of battery and line (agent/platform/power.ts); null where there is none. */
  phone_file: v.optional(v.nullable(v.string()), null),
  /** Below it a phone that is unplugged does not measure; 0 measures on. */
  rest_below_percent: v.optional(whole(0, 100), 15),
  /** Above it a phone does not measure. */
  rest_above_celsius: v.optional(whole(0, 100), 45),
  /** Files of further CA certificates (PEM) to trust while measuring. */
  extra_ca: v.optional(v.array(v.string()), []),
  /** A laboratory on one machine: private and loopback addresses are measured like any other, and data says so. */
  lab: v.optional(v.boolean(), false),
  /** The person who installs says that the host has agreed. No risky category is covered, and what the host says goes over it. */
  host_agreed: v.optional(v.boolean(), false),
  log_level: v.optional(v.picklist(['info', 'warn', 'error']), 'info'),
})
export type Config = v.InferOutput<typeof config>

const prefix = 'SONDE_'
/**
 * Of the environment, these choose files, belong to the collector, or are for starting and testing the program, and are not
 * fields.
 */
const notFields = new Set([
  ...collectorVariables,
  'SONDE_STATE',
  'SONDE_CONFIG',
  'SONDE_START_PORT',
  'SONDE_DEEP',
  'SONDE_SCENARIOS',
])

/**
 * @param named - The file, which must be there; null when none was named.
 * @param env - `SONDE_PROBE_CC=ML` sets `probe_cc`. A field of text takes the value as it is; any other wants JSON.
 * @param usual - Read in the place of one that was named, if it is there.
 * @throws {ActionableError} `bad_config`, with every bad field.
 */
export function loadConfig(
  named: string | null,
  env: Readonly<Record<string, string | undefined>>,
  usual: string | null = null,
): Config {
  const path = named ?? (usual !== null && existsSync(usual) ? usual : null)
  const fromFile = path === null ? {} : readConfigFile(path)
  const { fields: fromEnv, unknown } = readEnvironment(env)
  const written: Record<string, unknown> = { ...fromFile, ...fromEnv }
  const { schedule } = written
  const given = typeof schedule === 'string' ? { ...written, schedule: tidyCron(schedule) } : written
  const parsed = v.safeParse(config, given)
  const controls = Object.entries(given).flatMap(([field, value]) => controlFaults(field, value))
  if (parsed.success && unknown.length + controls.length === 0) return parsed.output
  const faults = [...faultsOf(config, parsed.issues ?? []), ...controls].map(({ place: field, what }) => {
    const top = field.split('.')[0] ?? field
    const place = Object.hasOwn(fromEnv, top) ? `${prefix}${top.toUpperCase()}` : (path ?? 'configuration')
    return `${place}: ${field}: ${what}`
  })
  const all = [...faults, ...unknown.map(unknownVariable)].map((each) => `  ${each}`)
  throw new ActionableError('bad_config', `Cannot use the configuration:\n${all.join('\n')}`)
}

/** No setting needs them; in a path or a name of a network they cut it off, or move a cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f]/

function controlFaults(place: string, value: unknown): ValueFault[] {
  if (typeof value === 'string')
    return control.test(value) ? [{ place, what: `${quoted(value)} has a control character` }] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) => controlFaults(`${place}.${key}`, each))
}

/** Those that choose files can be mistyped too. */
const settings = ['state', 'config', ...Object.keys(config.entries)]

function unknownVariable(name: string): string {
  // What all of them begin with would make any two alike.
  const near = nearestName(name.slice(prefix.length), settings)
  const meant = near === null ? '' : `; did you mean ${prefix}${near.toUpperCase()}?`
  return `${shownText(name)}: there is no such setting${meant}`
}

/** @throws {ActionableError} */
function readConfigFile(path: string): Record<string, unknown> {
  const reading = parseJsonText(readText(path))
  if (!reading.ok) {
    const fault = jsonFaultText(path, reading)
    throw new ActionableError('bad_config', `Cannot read the configuration:\n  ${fault}`)
  }
  const { value } = reading
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ActionableError('bad_config', `Cannot use the configuration ${path}: expected one JSON object`)
  }
  return { ...value }
}

function readText(path: string): string {
  try {
    return readNamedText(path)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('bad_config', `Cannot read the configuration ${path}: ${why}`, { cause })
  }
}

interface FromEnvironment {
  readonly fields: Readonly<Record<string, unknown>>
  /** Variables that begin as ours do, and set nothing. */
  readonly unknown: readonly string[]
}

function readEnvironment(env: Readonly<Record<string, string | undefined>>): FromEnvironment {
  const entries = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith(prefix) && !notFields.has(name) && value !== undefined
      ? [{ name, field: name.slice(prefix.length).toLowerCase(), value }]
      : [],
  )
  const isKnown = ({ field }: { field: string }) => Object.hasOwn(config.entries, field)
  const known = entries.filter(isKnown)
  return {
    // What stands around a value is left there by editors and by files with other ends of lines.
    fields: Object.fromEntries(known.map(({ field, value }) => [field, valueFor(field, value.trim())])),
    unknown: entries.filter((each) => !isKnown(each)).map(({ name }) => name),
  }
}

/** Of a field of text only a text in quotation marks, or a null that it takes, is read as JSON. */
function valueFor(field: string, text: string): unknown {
  const schema = config.entries[field as keyof typeof config.entries]
  const json = jsonOrText(text)
  const isTaken = typeof json === 'string' || (json === null && v.is(schema, null))
  return isTaken || !isOfText(schema) ? json : text
}

function isOfText(schema: { readonly type: string; readonly wrapped?: unknown }): boolean {
  const { type, wrapped } = schema
  if (typeof wrapped === 'object' && wrapped !== null) return isOfText(wrapped as typeof schema)
  return type === 'string' || type === 'picklist'
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** Names that cron allows and we do not (L, W, #) would need a calendar; nobody schedules probes by them. */
function isCron(text: string): boolean {
  if (text.trim().split(/\s+/).length !== 5) return false
  try {
    const fields = parseCron(text)
    return [...fields.dayOfMonth, ...fields.dayOfWeek].every((value) => typeof value === 'number')
  } catch {
    return false
  }
}
