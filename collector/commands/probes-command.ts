// `sonde-collector probes`: how each probe is, from its last batch and from when its batches came; silence is judged by its own
// habit and by its neighbours. Reads the index beside a collector that serves, and writes nothing.

import { existsSync } from 'node:fs'
import { safeText } from '../../tests-spec/command-line/safe-text.ts'
import { paddedEnd, textWidth } from '../../tests-spec/command-line/text-width.ts'
import { type Silence, type SilenceState, silences } from '../analysis/silence.ts'
import { collectorKeyPath, openCollectorKey } from '../archive/collector-key.ts'
import { ProbeRegister } from '../archive/probe-register.ts'
import { readSuspected } from '../archive/suspicions.ts'
import { indexPath } from '../collector.ts'
import type { ProbeRow } from '../index/measurement-index.ts'
import { SqliteIndex } from '../index/sqlite-index.ts'
import { type Command, type Invocation, jsonOption, stateOption } from './invocation.ts'
import { existingState } from './state-folder.ts'

export const probesCommand: Command = {
  name: 'probes',
  summary: 'how each probe is: silent since when, backlog, clock, restarts, version',
  more: 'Silence is judged by the habit of each probe and by its neighbours on the same network. Those that need a look come first.',
  operands: [],
  options: [stateOption, jsonOption],
  run: probes,
}

/** Some weeks of one upload an hour; a year of one a day. */
const mostArrivals = 1_000

/** A probe as this command knows it. */
interface Known {
  readonly device: string
  readonly asn: string | null
  /** null when nothing came from it yet. */
  readonly last: ProbeRow | null
  readonly silence: Silence
  readonly revoked: boolean
  /** From when on what it sends is suspect, in milliseconds since 1970; null when it is not. */
  readonly suspectSince: number | null
}

async function probes({ given, terminal }: Invocation): Promise<number> {
  const state = existingState(given.value('state') ?? '')
  const known = await knownProbes(state, Date.now())
  if (given.has('json')) terminal.out(`${JSON.stringify({ probes: known.map(jsonOf) }, null, 2)}\n`)
  else terminal.out(known.length === 0 ? 'No probe is enrolled here yet.\n' : tableOf(known))
  return 0
}

async function knownProbes(state: string, now: number): Promise<Known[]> {
  // A copy of the folder may come without its key.
  const register = existsSync(collectorKeyPath(state))
    ? await ProbeRegister.open(state, (await openCollectorKey(state)).id)
    : null
  const index = await SqliteIndex.openExisting(indexPath(state))
  try {
    const rows = new Map(index.probes().map((row) => [row.device, row]))
    const devices = [
      ...new Set([...rows.keys(), ...(register?.all() ?? []).map(({ device }) => device)]),
    ].sort()
    const contacts = devices.map((device) => ({
      device,
      asn: index.networkOf(device),
      arrivals: index.arrivals(device, mostArrivals),
    }))
    const suspected = readSuspected(state)
    const judged = new Map(silences(contacts, now).map((each) => [each.device, each]))
    const all = contacts.flatMap(({ device, asn }) => {
      const silence = judged.get(device)
      const last = rows.get(device) ?? null
      return silence === undefined
        ? []
        : [
            {
              ...{ device, asn, last, silence },
              revoked: register?.isRevoked(device) ?? false,
              suspectSince: suspected.get(device) ?? null,
            },
          ]
    })
    return all.sort((a, b) => urgency[a.silence.state] - urgency[b.silence.state])
  } finally {
    index.close()
  }
}

const urgency: Readonly<Record<SilenceState, number>> = {
  silent: 0,
  network_silent: 1,
  late: 2,
  new: 3,
  as_usual: 4,
  never: 5,
}

const words: Readonly<Record<SilenceState, string>> = {
  silent: 'SILENT',
  network_silent: 'network silent',
  late: 'late',
  new: 'new',
  as_usual: 'as usual',
  never: 'never came',
}

function jsonOf({ device, asn, last, silence, revoked, suspectSince }: Known): object {
  return {
    device,
    asn,
    revoked,
    suspect_since: suspectSince === null ? null : new Date(suspectSince).toISOString(),
    state: silence.state,
    last_received_at: last?.lastReceivedAt ?? null,
    silent_s: seconds(silence.silentMs),
    usual_s: seconds(silence.usualMs),
    neighbours: silence.neighbours,
    silent_neighbours: silence.silentNeighbours,
    backlog_records: last?.backlogRecords ?? null,
    backlog_batches: last?.backlogBatches ?? null,
    clock_source: last?.clockSource ?? null,
    clock_uncertainty_ms: last?.clockUncertaintyMs ?? null,
    lost: last?.lost ?? null,
    missing_batches: last?.missing ?? null,
    agent_version: last?.agentVersion ?? null,
    heartbeat: last?.heartbeat ?? null,
  }
}

function tableOf(known: readonly Known[]): string {
  const head = [
    'probe',
    'network',
    'heard',
    'usually',
    'state',
    'waits',
    'clock',
    'starts',
    'ended',
    'version',
    'last codes',
  ]
  const rows = known.map(({ device, asn, last, silence, revoked, suspectSince }) => {
    const said = last?.heartbeat ?? null
    return [
      device.slice(0, 8),
      asn ?? '-',
      silence.silentMs === null ? '-' : `${length(silence.silentMs)} ago`,
      silence.usualMs === null ? '-' : length(silence.usualMs),
      revoked ? 'revoked' : `${words[silence.state]}${suspectSince === null ? '' : ', SUSPECT'}`,
      waits(last),
      last === null ? '-' : clock(last),
      said === null ? '-' : `${said.starts}/${said.boots}`,
      said?.ended ?? '-',
      last?.agentVersion ?? '-',
      said === null || said.codes.length === 0 ? '-' : said.codes.slice(-3).join(' '),
    ].map((cell) => safeText(cell, 24))
  })
  const table = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...table.map((row) => textWidth(row[at] ?? ''))))
  return table
    .map((row) =>
      row
        .map((cell, at) => paddedEnd(cell, widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

function waits(last: ProbeRow | null): string {
  if (last === null || last.backlogRecords === null) return '-'
  const { backlogRecords, backlogBatches, heartbeat } = last
  if (backlogRecords + (backlogBatches ?? 0) === 0) return 'nothing'
  const oldest = heartbeat?.oldestS ?? null
  return `${backlogRecords}+${backlogBatches ?? 0}b${oldest === null ? '' : `, ${length(oldest * 1000)}`}`
}

function clock({ clockSource, clockUncertaintyMs }: ProbeRow): string {
  return clockUncertaintyMs === null ? clockSource : `${clockSource} ±${length(clockUncertaintyMs)}`
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms / 1000)
}

/** The largest unit that says something: `40 s`, `12 min`, `7 h`, `3 d`. */
function length(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`
  return ms < 48 * 3_600_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`
}
