// Golden verdicts and OONI's keys of signal, and the roots it brings.

import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { judging } from '../../test/support/judge.ts'
import {
  connect,
  handshake,
  join,
  judgedAgain,
  link,
  nothing,
  query,
  response,
} from '../../test/support/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { signal } from './signal.ts'

const judge = judging(signal)

import { signalRoots } from './signal-roots.ts'

const hosts = {
  contacts: 'cdsi.signal.org',
  chat: 'chat.signal.org',
  calls: 'sfu.voip.signal.org',
  storage: 'storage.signal.org',
} as const
type Group = keyof typeof hosts

function backend(group: Group, failure: Failure | null): Observations {
  const tags = [`group=${group}`, `host=${hosts[group]}`, 'depth=0', 'classic']
  const begun = join(query(['21.0.0.10'], { tags }), connect(null, { tags }), handshake(failure, { tags }))
  return failure === null ? join(begun, response(404, { tags })) : begun
}

/** All four, the named ones failing. */
const seenWith = (failures: Partial<Record<Group, Failure>>) =>
  join(...(Object.keys(hosts) as Group[]).map((group) => backend(group, failures[group] ?? null)))

const uptime = (outcome: Failure | readonly string[]) =>
  join(
    query(outcome, {
      tags: ['group=uptime', 'host=uptime.signal.org', 'classic'],
      hostname: 'uptime.signal.org',
    }),
  )

const timeout = 'generic_timeout_error'
const ok = { signal_backend_status: 'ok', signal_backend_failure: null }
const blocked = (failure: Failure) => ({ signal_backend_status: 'blocked', signal_backend_failure: failure })

describe('signal', () => {
  it.each([
    ['all reached', seenWith({}), ok, {}],
    ['all reached, the name of its health gone', join(seenWith({}), uptime('dns_nxdomain_error')), ok, {}],
    [
      'calls reset',
      seenWith({ calls: 'connection_reset' }),
      blocked('connection_reset'),
      { calls: 'anomaly' },
    ],
    ['chat silent', seenWith({ chat: timeout }), blocked(timeout), { chat: 'anomaly' }],
    [
      'chat silent and storage under a foreign certificate: the last failure is the key',
      seenWith({ chat: timeout, storage: 'ssl_unknown_authority' }),
      blocked('ssl_unknown_authority'),
      { chat: 'anomaly', storage: 'anomaly' },
    ],
    [
      'all silent',
      seenWith({ contacts: timeout, chat: timeout, calls: timeout, storage: timeout }),
      blocked(timeout),
      { contacts: 'undetermined', chat: 'undetermined', calls: 'undetermined', storage: 'undetermined' },
    ],
    [
      'all silent, the name of its health well',
      join(
        seenWith({ contacts: timeout, chat: timeout, calls: timeout, storage: timeout }),
        uptime(['21.0.0.1']),
      ),
      blocked(timeout),
      { contacts: 'undetermined', chat: 'undetermined', calls: 'undetermined', storage: 'undetermined' },
    ],
  ] as const)('%s', (_, seen, keys, parts) => {
    expect(judge(seen).keys).toEqual(keys)
    const judged = judgedAgain((circumstances) => judge(seen, circumstances))
    const kinds = Object.fromEntries(Object.entries(judged.parts).map(([name, part]) => [name, part.verdict]))
    expect(kinds).toEqual({ contacts: 'ok', chat: 'ok', calls: 'ok', storage: 'ok', ...parts })
  })

  it('OONI calls it blocked when nothing was measured; we call that undetermined', () => {
    expect(judge(nothing).keys).toEqual(blocked('interrupted'))
    expect(judge(nothing).verdict.verdict).toBe('undetermined')
  })

  it('finds nothing over a link that is down', () => {
    const seen = seenWith({ chat: 'connection_reset' })
    expect(judge(seen, { link: link('down') }).verdict.verdict).toBe('link_down')
  })
})

describe('signalRoots', () => {
  const [current, former] = signalRoots.map((pem) => new X509Certificate(pem))

  it("are Signal's two authorities and no leaf", () => {
    expect(signalRoots).toHaveLength(2)
    expect(current?.fingerprint256).toMatch(/^DD:B0:F9:2B:.*:9D:F6:5A$/)
    expect(former?.fingerprint256).toMatch(/^09:8F:D5:40:.*:1F:E9:EA$/)
    expect([current?.ca, former?.ca]).toEqual([true, true])
  })

  it('end when the comments say', () => {
    expect(current?.validTo).toContain('Jan 24 00:45:50 2032')
    expect(former?.validTo).toContain('Mar 23 22:18:35 2023')
  })
})
