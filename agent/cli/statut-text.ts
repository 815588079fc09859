// `sonde statut`: what a host needs to know, in at most 12 lines of at most 40 columns; what is wrong comes first. Figures for
// operators are in `sonde status`.

import { mayMeasure } from '../consent/consent.ts'
import type { AgentState } from '../health/agent-state.ts'
import type { Status } from '../health/status.ts'
import type { Language } from './phrases/phrases.ts'
import type { Say } from './phrases/say.ts'
import type { Standing } from './standing.ts'

export interface HostView {
  /** null before the first cycle. */
  readonly status: Status | null
  readonly agent: AgentState
  readonly standing: Standing
  readonly isDiskBad: boolean
  /** Milliseconds since 1970. */
  readonly now: number
  readonly language: Language
}

export function statutLines(view: HostView, say: Say): string[] {
  const { status, now, language } = view
  const since = (ms: number) => lengthText(now - ms, language)
  const faults = [...standingLines(view, say), ...stateLines(view, say)]
  if (status === null) return [...(faults.length === 0 ? [] : faults), say('not_measured_yet')]
  const { last_cycle: last, next_cycle_at: next, spool } = status
  const all = [...faults, ...linkLines(view, say), ...(isClockSet(status) ? [] : [say('clock_unset')])]
  const runs = view.agent.state === 'running' && standingLines(view, say).length === 0
  return [
    ...(all.length === 0 ? [say('all_well')] : all),
    ...(last.finished_at === null ? [] : [say('last_measured', { for: since(last.finished_at) })]),
    ...(next === null || !runs
      ? []
      : [next <= now ? say('next_now') : say('next_measured', { for: lengthText(next - now, language) })]),
    ...(status.collector === null ? [say('not_enrolled')] : []),
    spool.oldest_at === null || spool.unsealed + spool.pending_batches === 0
      ? say('all_sent')
      : say('waits', { size: sizeText(spool.disk_bytes, language), for: since(spool.oldest_at) }),
    ...(spool.lost > 0 ? [say('were_lost', { count: spool.lost })] : []),
    say('name_of', { device: status.device.slice(0, 8) }),
  ]
}

function standingLines({ standing }: HostView, say: Say): string[] {
  const { pausedUntil, agreement } = standing
  if (pausedUntil !== null) return [say('held_paused', { date: shortDate(pausedUntil) })]
  return mayMeasure(agreement) ? [] : [say('held_consent')]
}

function stateLines({ agent, standing, isDiskBad, status }: HostView, say: Say): string[] {
  const isHeld = standing.pausedUntil !== null || !mayMeasure(standing.agreement)
  return [
    ...(agent.state === 'not_running' ? [say('stopped')] : []),
    ...(agent.state === 'stale' && !isHeld ? [say('late')] : []),
    ...(isDiskBad || status?.spool.health === 'memory_only' ? [say('disk_bad')] : []),
  ]
}

/** What an agent that does not run saw of the network is old news. */
function linkLines({ status, agent, now, language }: HostView, say: Say): string[] {
  if (status === null || agent.state === 'not_running' || status.link.state === 'up') return []
  const { state, since } = status.link
  return [say(`link_${state}`, { for: since === null ? '?' : lengthText(now - Date.parse(since), language) })]
}

const isClockSet = ({ clock }: Status) => clock === 'synced' || clock === 'receipt'

/** `3 h`, `12 min`, `2 j`: the largest unit alone. */
export function lengthText(ms: number, language: Language): string {
  const minutes = Math.max(0, Math.round(ms / 60_000))
  if (minutes < 60) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} ${language === 'fr' ? 'j' : 'd'}`
}

function sizeText(bytes: number, language: Language): string {
  const isSmall = bytes < 1_000_000
  const number = isSmall ? `${Math.ceil(bytes / 1000)}` : (bytes / 1_000_000).toFixed(1)
  return language === 'fr'
    ? `${number.replace('.', ',')} ${isSmall ? 'ko' : 'Mo'}`
    : `${number} ${isSmall ? 'kB' : 'MB'}`
}

/** `29/07 20:00`: Mali keeps UTC all year. */
function shortDate(ms: number): string {
  const [, month = '', day = '', time = ''] =
    /-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(new Date(ms).toISOString()) ?? []
  return `${day}/${month} ${time}`
}
