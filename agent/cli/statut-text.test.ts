// What a host reads: short, urgent things first, and never wider than a phone.

import { describe, expect, it } from 'vitest'
import { sampleStatus } from '../../test/support/sample-status.ts'
import { textWidth } from '../../tests-spec/command-line/text-width.ts'
import type { Status } from '../health/status.ts'
import { languages } from './phrases/phrases.ts'
import { sayIn } from './phrases/say.ts'
import type { Standing } from './standing.ts'
import { type HostView, statutLines } from './statut-text.ts'

const hour = 3_600_000
const now = Date.parse('2018-07-29T20:00:00Z')
const agreed: Standing = { agreement: { state: 'agreed', categories: new Set() }, pausedUntil: null }
const running = { state: 'running', pid: 7 } as const
const base = sampleStatus(now)
const view = (more: Partial<HostView>): HostView => ({
  status: base,
  agent: running,
  standing: agreed,
  isDiskBad: false,
  now,
  language: 'fr',
  ...more,
})
const french = (more: Partial<HostView> = {}) => statutLines(view(more), sayIn('fr'))
const link = (state: Status['link']['state']): Status => ({
  ...base,
  link: { ...base.link, state, since: new Date(now - 3 * hour).toISOString() },
})

it('says that all is well, and what comes', () => {
  expect(french()).toEqual([
    'Tout va bien',
    'Dernière mesure : il y a 2 min',
    'Prochaine mesure : dans 13 min',
    'Tout est envoyé',
    'Appareil 01234567',
  ])
})

it.each<[string, Partial<HostView>]>([
  ['Pas de réseau depuis 3 h', { status: link('down') }],
  ['Le wifi demande une connexion', { status: link('captive_portal') }],
  ['Horloge non réglée', { status: { ...base, clock: 'unknown' } }],
  ['Le programme ne tourne pas', { agent: { state: 'not_running', pid: null } }],
  ['Mémoire pleine ou abîmée', { isDiskBad: true }],
  ['En pause jusqu’au 30/07 02:00', { standing: { ...agreed, pausedUntil: now + 6 * hour } }],
  [
    'Pas d’accord donné : sonde consent',
    { standing: { agreement: { state: 'changed', categories: new Set() }, pausedUntil: null } },
  ],
])('says first: %s', (expected, more) => {
  const lines = french(more)
  expect(lines[0]).toBe(expected)
  expect(lines).not.toContain('Tout va bien')
})

describe.each(languages)('in %s', (language) => {
  it('is never longer than 12 lines of 40 columns, however much is wrong', () => {
    const spool = {
      ...base.spool,
      unsealed: 9e5,
      lost: 1e9,
      oldest_at: now - 400 * 24 * hour,
      disk_bytes: 6e10,
    }
    for (const state of [
      'up',
      'down',
      'degraded',
      'captive_portal',
      'bundle_exhausted',
      'provider_only',
      'unknown',
    ] as const)
      for (const agent of [running, { state: 'not_running', pid: null }, { state: 'stale', pid: 1 }] as const)
        for (const pausedUntil of [null, now + hour])
          for (const kind of ['agreed', 'withdrawn'] as const) {
            const standing: Standing = { agreement: { state: kind, categories: new Set() }, pausedUntil }
            const status = { ...link(state), spool, clock: 'unknown', collector: null, next_cycle_at: now }
            const lines = statutLines(
              view({ status, agent, standing, isDiskBad: true, language }),
              sayIn(language),
            )
            expect(lines.length).toBeLessThanOrEqual(12)
            expect(Math.max(...lines.map(textWidth)), lines.join('\n')).toBeLessThanOrEqual(40)
          }
  })
})
