// `sonde status` in words: short lines that fit 40 columns, the most urgent first.

import { mayMeasure } from '../consent/consent.ts'
import type { AgentState } from '../health/agent-state.ts'
import type { Status } from '../health/status.ts'
import type { Unwritable } from '../platform/why-unwritable.ts'
import type { Standing } from './standing.ts'

/** What is found out at the moment of asking. */
export interface Seen {
  readonly agent: AgentState
  readonly unwritable: Unwritable | null
  /** null when the spool can be read, as far as is known. */
  readonly unread?: UnreadSpool | null
  /** Milliseconds since 1970. */
  readonly now: number
  /** Why nothing is measured by the host's will; empty where it is. */
  readonly held?: readonly string[]
}

/** The most urgent of all. */
export function heldLines({ agreement, pausedUntil }: Standing, { pid }: Pick<AgentState, 'pid'>): string[] {
  if (pausedUntil !== null)
    return [`PAUSED until ${new Date(pausedUntil).toISOString().slice(0, 16).replace('T', ' ')} UTC`]
  // Where no agent waits for it, only commands were typed.
  return pid === null || mayMeasure(agreement) ? [] : ['HOST HAS NOT AGREED: sonde consent']
}

export interface UnreadSpool {
  readonly code: string
  readonly path: string
  /** Folder of the spool. */
  readonly spool: string
  /** User that the state folder belongs to. */
  readonly uid: number
}

/** A spool that cannot be read may hold anything: nothing is said of what waits in it. */
function unreadLines({ code, path, spool, uid }: UnreadSpool): string[] {
  return [
    'SPOOL CANNOT BE READ (S3908)',
    '  what waits in it is not known',
    `  ${path}: ${code}`,
    code === 'EACCES' || code === 'EPERM'
      ? `  mend it: chown -R ${uid} ${spool}`
      : code === 'ENOTDIR' || code === 'EEXIST'
        ? '  it is no folder: move it away'
        : '  look at the card',
  ]
}

/** Where no cycle has finished yet. */
export function newcomerText(
  agent: AgentState,
  unwritable: Unwritable | null = null,
  unread: UnreadSpool | null = null,
): string {
  if (unread !== null) return `${unreadLines(unread).join('\n')}\n${newcomerText(agent, unwritable)}`
  // What is not written down may have happened all the same.
  const disk = unwritable === null ? '' : `${unwritableWords[unwritable]}\n  no status could be written\n`
  if (agent.pid !== null)
    return `${disk}Agent running (pid ${agent.pid})\n${disk === '' ? 'No cycle finished yet\n' : ''}`
  return disk === ''
    ? 'No cycle has run here yet. Start one with: sonde run\n'
    : `${disk}No agent is running\n`
}

export function statusText(status: Status, seen: Seen): string {
  const { spool, last_cycle: last, upload } = status
  const { now, unread = null } = seen
  const isAlive = seen.agent.pid !== null
  const lines = [
    ...(seen.held ?? []),
    ...agentLines(status, seen),
    ...(status.power?.resting == null ? [] : [`Measuring pauses: ${status.power.resting}`]),
    ...linkLines(status, now),
    ...(last.finished_at === null
      ? ['No cycle finished yet']
      : cycleLines(
          `Cycle ${ago(last.finished_at, now)}:`,
          `${last.measurements} results, ${last.anomalies} anomalies`,
        )),
    ...((status.anomalous ?? 0) > 0
      ? [`At last look ${status.anomalous} of ${status.list.entries} fail`]
      : []),
    ...(last.bugs > 0 ? [`${last.bugs} nettests had bugs (S2901)`] : []),
    ...(status.next_cycle_at === null || !isAlive ? [] : [nextLine(status.next_cycle_at - now)]),
    ...campaignLines(status, now),
    ...(unread === null ? backlogLines(status, now) : unreadLines(unread)),
    ...(spool.health === 'ok'
      ? []
      : [...(unread === null ? ['DISK cannot be written (S3901)'] : []), '  new results are in memory only']),
    ...(spool.lost > 0 ? [`${spool.lost} results lost, and named as lost`] : []),
    ...writeLines(status),
    ...(status.log_lines_dropped > 0 ? [`${status.log_lines_dropped} log lines not written`] : []),
    ...(spool.quarantined > 0 ? [`${spool.quarantined} batches refused, kept (S4901)`] : []),
    ...(status.collector === null ? ['Not enrolled: sonde enrol URL TOKEN'] : []),
    ...(upload?.kind === 'deferred'
      ? [`Upload put off ${ago(upload.at, now)}`, `  ${upload.reason ?? ''}`]
      : []),
    ...(status.clock === 'synced' ? [] : [`Clock ${status.clock}: corrected later`]),
    ...listLines(status),
    `Device ${status.device.slice(0, 8)}, ${status.version}, list ${status.list.name} ${status.list.version}`,
  ]
  return `${lines.filter((line) => line !== '').join('\n')}\n`
}

function campaignLines({ campaigns, clock }: Status, now: number): string[] {
  if (campaigns === undefined) return []
  const { current, next } = campaigns
  // By a clock that nobody told the time, nobody knows how long it is until then.
  const isTold = clock === 'synced' || clock === 'receipt'
  return [
    ...current.flatMap(({ name, until }) => [
      `Campaign ${name}`,
      isTold ? `  for another ${duration(until - now)}` : '  may be now: the clock was not told',
    ]),
    ...(next === null ? [] : [`Next campaign in ${duration(next.from - now)}:`, `  ${next.name}`]),
  ]
}

function listLines({ lists }: Status): string[] {
  if (lists === undefined) return []
  const named = Object.entries(lists.versions).map(([name, version]) => `  ${name} ${version}`)
  const out = Object.values(lists.left_out).reduce((sum, each) => sum + each, 0)
  return [
    `Lists in force${lists.stale ? ', STALE (S7103)' : ''}:`,
    ...named,
    ...(out > 0 ? [`  ${out} entries left out (S7104)`] : []),
    ...(lists.set_aside ? ['  a newer one is set aside (S7102)'] : []),
    ...(lists.refusal === null ? [] : [`  last refresh: ${lists.refusal} (S7101)`]),
  ]
}

const unwritableWords = { read_only: 'DISK IS READ-ONLY', full: 'DISK IS FULL', failing: 'DISK IS FAILING' }

/** What makes the rest old news comes first. */
function agentLines({ written_at, last_cycle }: Status, { agent, unwritable, now }: Seen): string[] {
  const disk = unwritable === null ? [] : [unwritableWords[unwritable]]
  const asOf = `  what follows is as of ${ago(written_at, now)}`
  const last =
    last_cycle.finished_at === null ? [] : [`  its last cycle was ${ago(last_cycle.finished_at, now)}`]
  switch (agent.state) {
    case 'not_running':
      return ['AGENT NOT RUNNING', ...disk, asOf]
    case 'stale':
      return [`AGENT LATE, but running (pid ${agent.pid})`, ...last, ...disk]
    case 'running':
      if (unwritable === null) return [`Agent running (pid ${agent.pid})`]
      return [...disk, '  new results are in memory only', asOf, `Agent running (pid ${agent.pid})`]
    default:
      return agent satisfies never
  }
}

/** In one line where that fits a phone. */
function cycleLines(when: string, what: string): string[] {
  return when.length + what.length < 40 ? [`${when} ${what}`] : [when, `  ${what}`]
}

function nextLine(inMs: number): string {
  return inMs < 0 ? `Next cycle due for ${duration(-inMs)}` : `Next cycle in ${duration(inMs)}`
}

function linkLines({ link }: Status, now: number): string[] {
  const words: Readonly<Record<Status['link']['state'], string>> = {
    up: 'Link up',
    down: 'LINK DOWN',
    degraded: 'Link degraded',
    captive_portal: 'CAPTIVE PORTAL on the link',
    bundle_exhausted: 'DATA BUNDLE seems used up',
    provider_only: 'ONLY THE PROVIDER answers',
    unknown: link.since === null ? 'Link not checked yet' : 'THIS DEVICE COULD NOT ASK',
  }
  if (link.since === null) return [words[link.state]]
  const length = duration(now - Date.parse(link.since))
  return [`${words[link.state]} for ${length}`, `  since ${link.since.slice(0, 16).replace('T', ' ')} UTC`]
}

function backlogLines({ spool }: Status, now: number): string[] {
  if (spool.unsealed + spool.pending_batches === 0)
    return [spool.quarantined === 0 ? 'Everything is uploaded' : 'Nothing waits to be sent']
  return [
    `Waiting: ${spool.unsealed} results, ${spool.pending_batches} batches`,
    ...(spool.oldest_at === null
      ? []
      : [`  oldest ${ago(spool.oldest_at, now)}, ${kilobytes(spool.disk_bytes)} on disk`]),
  ]
}

const dayMs = 86_400_000

/** Since the agent started, and what that comes to in a day once it has run for a while. */
function writeLines({ spool, started_at, written_at }: Status): string[] {
  const { written_bytes: written, flushes } = spool
  if (written === undefined || flushes === undefined || started_at === undefined) return []
  const ranMs = written_at - started_at
  const perDay = (value: number) => (value * dayMs) / ranMs
  return [
    `Written: ${kilobytes(written)}, ${flushes} flushes`,
    ranMs < dayMs / 24
      ? '  since the agent started'
      : `  since start; a day: ${kilobytes(perDay(written))}, ${Math.round(perDay(flushes))}`,
  ]
}

function ago(at: number, now: number): string {
  // A clock that was set back would give a negative age.
  return now < at ? 'just now' : `${duration(now - at)} ago`
}

/** The two largest units: `3 d 4 h`, `12 min`, `8 s`. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

function kilobytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
