// A cycle's results as a table: what happened at each step, the verdict, milliseconds, bytes. Where columns are few, what a
// measurement cost is left out first, so that its target can be read; where that is not enough it becomes a list. Never colour alone: every verdict has its word.

import { safeText } from '../../tests-spec/command-line/safe-text.ts'
import { clippedEnd, clippedStart, paddedEnd, textWidth } from '../../tests-spec/command-line/text-width.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { tagged, withoutFollowUps } from '../../tests-spec/nettests/failed-step.ts'
import { groupTag, hostTag } from '../../tests-spec/nettests/group-outcome.ts'
import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'

export interface Row {
  readonly target: string
  readonly dns: string
  readonly tcp: string
  readonly tls: string
  readonly http: string
  readonly verdict: VerdictKind
  /** Seconds; null for a part of a measurement, which has no time of its own. */
  readonly ms: number | null
  readonly bytes: number | null
}

/** @param colour - Whether the reader is a terminal that shows colours. */
export function renderTable(measurements: readonly Measurement[], columns: number, colour: boolean): string {
  const rows = measurements.flatMap(rowsOf)
  return table(rows, columns, colour) ?? narrowList(rows, columns, colour)
}

/** More than any terminal has columns. */
const maxTargetChars = 400

/** One row a measurement; a service that is judged by its functions has one for each. */
export function rowsOf(measurement: Measurement): Row[] {
  const keys = measurement.test_keys
  const cost = {
    ms: Math.round(measurement.test_runtime * 1000),
    bytes: keys.x_sonde_bytes_sent + keys.x_sonde_bytes_received,
  }
  const target = safeText(measurement.input ?? measurement.test_name, maxTargetChars)
  const parts = keys.x_sonde_parts
  const whole = { target, ...stepsOf(withoutFollowUps(keys)), verdict: keys.x_sonde_verdict.verdict, ...cost }
  if (parts === undefined) return [whole]
  if (measurement.test_name === 'web_connectivity') {
    const nothing = { dns: '', tcp: '', tls: '', http: '', ms: null, bytes: null }
    return [
      whole,
      ...Object.entries(parts).map(([name, { verdict }]) => ({
        ...nothing,
        target: `${target} ${safeText(name, maxTargetChars)}`,
        verdict,
      })),
    ]
  }
  return Object.entries(parts).map(([name, { verdict }], index) => ({
    target: `${target} ${safeText(name, maxTargetChars)}`,
    ...stepsOfGroup(withoutFollowUps(tagged(keys, groupTag(name)))),
    verdict,
    ms: index === 0 ? cost.ms : null,
    bytes: index === 0 ? cost.bytes : null,
  }))
}

type Steps = Pick<Row, 'dns' | 'tcp' | 'tls' | 'http'>

/** The step's worst news, shortened; `-` where it was not taken. */
function stepsOf(seen: Observations): Steps {
  const request = seen.requests[0]
  const code = request?.response.code ?? 0
  return {
    dns: outcome(seen.queries.filter((each) => each.engine === 'getaddrinfo').map((each) => each.failure)),
    tcp: outcome(seen.tcp_connect.map((each) => each.status.failure)),
    tls: outcome(seen.tls_handshakes.map((each) => each.failure)),
    http: request === undefined ? '-' : request.failure === null ? String(code) : short(request.failure),
  }
}

/** Of many hosts, how many got past each step. */
function stepsOfGroup(seen: Observations): Steps {
  const tags = [...seen.queries, ...seen.tcp_connect].flatMap((each) => each.tags)
  const hosts = new Set(tags.filter((tag) => tag.startsWith(hostTag(''))))
  if (hosts.size <= 1) return stepsOf(seen)
  const ratio = (failures: readonly (string | null)[]) =>
    failures.length === 0 ? '-' : `${failures.filter((each) => each === null).length}/${failures.length}`
  return {
    dns: ratio(seen.queries.map((each) => each.failure)),
    tcp: ratio(seen.tcp_connect.map((each) => each.status.failure)),
    tls: ratio(seen.tls_handshakes.map((each) => each.failure)),
    http: ratio(seen.requests.map((each) => each.failure)),
  }
}

function outcome(failures: readonly (string | null)[]): string {
  if (failures.length === 0) return '-'
  if (failures.includes(null)) return 'ok'
  return short(failures[0] ?? '')
}

/** Failure strings, short enough for a column; the data keeps them whole. */
const abbreviations: Readonly<Record<string, string>> = {
  generic_timeout_error: 'timeout',
  timed_out: 'timeout',
  connection_reset: 'reset',
  connection_refused: 'refused',
  eof_error: 'closed',
  network_unreachable: 'net unreach.',
  host_unreachable: 'host unreach.',
  dns_nxdomain_error: 'no such name',
  dns_no_answer: 'no answer',
  dns_servfail_error: 'servfail',
  dns_refused_error: 'refused',
  dns_server_misbehaving: 'dns fails',
  dns_temporary_failure: 'dns fails',
  dns_bogon_error: 'bogus answer',
  ssl_invalid_hostname: 'wrong name',
  ssl_unknown_authority: 'unknown CA',
  ssl_invalid_certificate: 'bad date',
  ssl_failed_handshake: 'alert',
  ssl_not_tls: 'not TLS',
  http_invalid_response: 'not HTTP',
  too_many_open_files: 'no descriptor',
  permission_denied: 'not permitted',
}

function short(failure: string): string {
  return (
    abbreviations[failure] ?? safeText(failure.replace(/^unknown_failure: .*/s, 'unknown').slice(0, 13), 13)
  )
}

const marks: Readonly<Record<VerdictKind, string>> = {
  ok: '✓',
  anomaly: '!',
  link_down: '×',
  undetermined: '?',
}
/** SGR numbers: green, red, grey, yellow. */
const colours: Readonly<Record<VerdictKind, number>> = {
  ok: 32,
  anomaly: 31,
  link_down: 90,
  undetermined: 33,
}

function painted(text: string, verdict: VerdictKind, colour: boolean): string {
  return colour ? `\u001b[${colours[verdict]}m${text}\u001b[0m` : text
}

/** A host with its end fits; with less, two targets look like one. */
const leastTargetColumns = 28

interface Column {
  readonly heading: string
  readonly of: (row: Row) => string
  readonly isNumber?: true
}

const columnsOfSteps: readonly Column[] = [
  { heading: 'DNS', of: (row) => row.dns },
  { heading: 'TCP', of: (row) => row.tcp },
  { heading: 'TLS', of: (row) => row.tls },
  { heading: 'HTTP', of: (row) => row.http },
  { heading: 'VERDICT', of: (row) => `${marks[row.verdict]} ${row.verdict}` },
]
/** The least important first. */
const columnsOfCost: readonly Column[] = [
  { heading: 'BYTES', of: (row) => (row.bytes === null ? '' : String(row.bytes)), isNumber: true },
  { heading: 'MS', of: (row) => (row.ms === null ? '' : String(row.ms)), isNumber: true },
]

/** @returns null when the target would have too little room, also without what a measurement cost. */
function table(rows: readonly Row[], columns: number, colour: boolean): string | null {
  const longest = Math.max('TARGET'.length, ...rows.map((row) => textWidth(row.target)))
  for (let dropped = 0; dropped <= columnsOfCost.length; dropped++) {
    const shown = [...columnsOfSteps, ...columnsOfCost.slice(dropped).reverse()].map((column) => ({
      ...column,
      width: Math.max(column.heading.length, ...rows.map((row) => column.of(row).length)),
    }))
    const target = Math.min(longest, columns - shown.reduce((sum, { width }) => sum + width + 1, 0))
    if (target >= Math.min(longest, leastTargetColumns)) {
      const line = (first: string, rest: readonly string[]) => [paddedEnd(first, target), ...rest].join(' ')
      const padded = (text: string, { width, isNumber }: Column & { readonly width: number }) =>
        isNumber ? text.padStart(width) : text.padEnd(width)
      return [
        line(
          'TARGET',
          shown.map((column) => padded(column.heading, column)),
        ),
        ...rows.map((row) =>
          line(
            clip(row.target, target),
            shown.map((column) => {
              const text = padded(column.of(row), column)
              return column.heading === 'VERDICT' ? painted(text, row.verdict, colour) : text
            }),
          ),
        ),
      ].join('\n')
    }
  }
  return null
}

function narrowList(rows: readonly Row[], columns: number, colour: boolean): string {
  return rows
    .map((row) => {
      const steps = (['dns', 'tcp', 'tls', 'http'] as const)
        .filter((step) => row[step] !== '-')
        .map((step) => `${step} ${row[step]}`)
      return [
        clip(row.target, columns),
        `  ${painted(`${marks[row.verdict]} ${row.verdict}`, row.verdict, colour)}`,
        ...wrap(steps, columns),
      ].join('\n')
    })
    .join('\n')
}

/** Puts whole items on lines of at most `columns`, indented by two. */
function wrap(items: readonly string[], columns: number): string[] {
  const lines: string[] = []
  for (const item of items) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 2 + item.length <= columns)
      lines[lines.length - 1] = `${last}, ${item}`
    else lines.push(`  ${item}`)
  }
  return lines
}

/** In the middle: the host stands at the beginning of a target, and what tells two pages of it apart at its end. */
function clip(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  const tail = Math.floor((width - 1) / 3)
  return `${clippedEnd(text, width - 1 - tail)}…${clippedStart(text, tail)}`
}
