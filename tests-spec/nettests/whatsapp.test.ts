// Golden verdicts of whatsapp: three services, each judged by itself, as they failed on 29 July 2018.

import { describe, expect, it } from 'vitest'
import { judging } from '../../test/support/judge.ts'
import {
  connect,
  handshake,
  join,
  judgedAgain,
  link,
  query,
  response,
} from '../../test/support/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { whatsapp, whatsappService } from './whatsapp.ts'

const judge = judging(whatsapp)

function service(name: string, failure: Failure | null, step: 'connect' | 'tls' = 'tls'): Observations {
  const tags = [name, 'depth=0', 'classic']
  const resolved = query(['21.0.0.10'], { tags })
  if (step === 'connect' && failure !== null) return join(resolved, connect(failure, { tags }))
  if (failure !== null) return join(resolved, connect(null, { tags }), handshake(failure, { tags }))
  return join(resolved, connect(null, { tags }), handshake(null, { tags }), response(404, { tags }))
}

function hosts(...outcomes: readonly (Failure | null)[]): Observations {
  return join(
    ...outcomes.map((failure, index) => {
      const host = `e${index + 1}.whatsapp.net`
      const tags = ['endpoints', `host=${host}`]
      return join(
        query(['21.0.0.20'], { tags, hostname: host }),
        connect(failure, { tags }),
        connect(failure, { tags, port: 5222 }),
      )
    }),
  )
}

const fine = join(service('registration', null), service('web', null), hosts(null, null))

describe('whatsapp', () => {
  const rows = [
    ['all three reached', fine, 'ok', { registration: 'ok', endpoints: 'ok', web: 'ok' }],
    [
      '17:43, web reset, the others fine',
      join(service('registration', null), service('web', 'connection_reset'), hosts(null, null)),
      'anomaly',
      { registration: 'ok', endpoints: 'ok', web: 'anomaly' },
    ],
    [
      '19:08, registration and web silent, endpoints fine',
      join(
        service('registration', 'generic_timeout_error', 'connect'),
        service('web', 'generic_timeout_error'),
        hosts(null, null),
      ),
      'anomaly',
      { registration: 'anomaly', endpoints: 'ok', web: 'anomaly' },
    ],
    [
      'one chat host of two silent is no finding',
      join(service('registration', null), service('web', null), hosts(null, 'generic_timeout_error')),
      'ok',
      { registration: 'ok', endpoints: 'ok', web: 'ok' },
    ],
    [
      'every chat host silent, the rest fine',
      join(
        service('registration', null),
        service('web', null),
        hosts('generic_timeout_error', 'generic_timeout_error'),
      ),
      'anomaly',
      { registration: 'ok', endpoints: 'anomaly', web: 'ok' },
    ],
    [
      'everything silent: the operator may be down',
      join(
        service('registration', 'generic_timeout_error', 'connect'),
        service('web', 'generic_timeout_error', 'connect'),
        hosts('generic_timeout_error'),
      ),
      'undetermined',
      { registration: 'undetermined', endpoints: 'undetermined', web: 'undetermined' },
    ],
  ] as const
  it.each(rows)('%s', (_name, seen, verdict, parts) => {
    const judged = judgedAgain((circumstances) => judge(seen, circumstances))
    expect(judged.verdict.verdict).toBe(verdict)
    const kinds = Object.fromEntries(Object.entries(judged.parts).map(([name, part]) => [name, part.verdict]))
    expect(kinds).toEqual(parts)
  })

  it('silence with one control lost stays undetermined: loss looks the same', () => {
    const seen = join(service('registration', null), service('web', 'generic_timeout_error'), hosts(null))
    expect(judge(seen, { link: link('up', 3) }).verdict.verdict).toBe('undetermined')
  })

  it('nothing reached and the controls down is the link', () => {
    const seen = join(service('registration', 'network_unreachable', 'connect'), hosts('network_unreachable'))
    expect(judge(seen, { link: link('down') }).verdict.verdict).toBe('link_down')
  })
})

describe('the keys of whatsapp', () => {
  it('speaks as OONI does: any failure is "blocked", any HTTP status is "ok"', () => {
    const seen = join(
      service('registration', 'generic_timeout_error', 'connect'),
      service('web', null),
      hosts(null, 'connection_refused'),
    )
    expect(judge(seen).keys).toEqual({
      registration_server_status: 'blocked',
      registration_server_failure: 'generic_timeout_error',
      whatsapp_endpoints_status: 'ok',
      whatsapp_endpoints_blocked: ['e2.whatsapp.net'],
      whatsapp_endpoints_dns_inconsistent: [],
      whatsapp_web_status: 'ok',
      whatsapp_web_failure: null,
    })
  })
  it('lists a host whose name did not resolve', () => {
    const tags = ['endpoints', 'host=e1.whatsapp.net']
    const seen = join(query('dns_nxdomain_error', { tags, hostname: 'e1.whatsapp.net' }))
    expect(judge(seen).keys).toMatchObject({
      whatsapp_endpoints_status: 'blocked',
      whatsapp_endpoints_blocked: ['e1.whatsapp.net'],
    })
  })
})

describe('the description of WhatsApp', () => {
  /** As agents tag today: the group, the host, and what the system resolver led to. */
  const tagsOf = (group: string, host: string) => [`group=${group}`, `host=${host}`, 'depth=0', 'classic']
  const reached = (group: string, host: string) => {
    const tags = tagsOf(group, host)
    const begun = join(query(['21.0.0.10'], { tags, hostname: host }), connect(null, { tags }))
    return group === 'endpoints' ? begun : join(begun, handshake(null, { tags }), response(404, { tags }))
  }
  const silent = (group: string, host: string) => {
    const tags = tagsOf(group, host)
    return join(
      query(['21.0.0.10'], { tags, hostname: host }),
      connect('generic_timeout_error', { tags }),
      connect('generic_timeout_error', { tags, port: 5222 }),
    )
  }
  const today = join(
    reached('registration', 'v.whatsapp.net'),
    silent('web', 'web.whatsapp.com'),
    silent('endpoints', 'e1.whatsapp.net'),
    reached('endpoints', 'e2.whatsapp.net'),
  )

  describe('hosts that others hide', () => {
    const silence = 'generic_timeout_error'
    const half = join(
      service('registration', null),
      service('web', null),
      hosts(...Array<Failure | null>(8).fill(silence), ...Array<Failure | null>(8).fill(null)),
    )
    const control = (reached: boolean) => ({
      x_sonde_service_control: {
        helpers: ['https://helper.example/'],
        tcp_connect: { '21.0.0.10:443': reached, '21.0.0.10:5222': reached },
        tls_handshake: {},
        requests: {},
        names: {},
      },
    })
    const part = (seen: Observations, before?: string) => {
      const own = { step: 'connect', how: silence } as const
      const earlier = before === undefined ? null : { ...own, secondsAgo: 31, parts: { [before]: own } }
      const { verdict, parts } = judge(seen, { earlier })
      expect(verdict.verdict).toBe('ok')
      return parts['endpoints:hosts']
    }

    it('are said, and are no anomaly without a helper: they may be retired', () => {
      expect(part(half)).toMatchObject({ rule: 'whatsapp/no_outside_view@1', step: 'connect' })
      expect(part(half, 'endpoints:hosts')?.rule).toBe('whatsapp/no_outside_view@1')
    })

    it('are an anomaly at the second look where a helper reaches them, and none where it does not', () => {
      const seen = { ...half, ...control(true) }
      expect(part(seen)?.rule).toBe('whatsapp/failed_once@1')
      expect(part(seen, 'endpoints')?.rule).toBe('whatsapp/failed_once@1')
      expect(part(seen, 'endpoints:hosts')?.rule).toBe('whatsapp/connect_fails_only_here@3')
      expect(part({ ...half, ...control(false) }, 'endpoints:hosts')?.rule).toBe(
        'whatsapp/fails_outside_too@2',
      )
    })

    it('are not said where they are three of sixteen', () => {
      const few = hosts(silence, silence, silence, ...Array<Failure | null>(13).fill(null))
      expect(part(join(service('registration', null), service('web', null), few))).toBeUndefined()
    })
  })

  it('names 16 chat hosts on two ports each', () => {
    const endpoints = whatsappService.groups.find((group) => group.name === 'endpoints')?.endpoints ?? []
    expect(endpoints).toHaveLength(16)
    expect(endpoints.at(-1)).toEqual({ kind: 'tcp', host: 'e16.whatsapp.net', ports: [443, 5222] })
  })

  it("gives the same keys and verdicts with today's tags", () => {
    expect(judge(today).keys).toMatchObject({
      registration_server_status: 'ok',
      whatsapp_endpoints_status: 'ok',
      whatsapp_endpoints_blocked: ['e1.whatsapp.net'],
      whatsapp_web_status: 'blocked',
      whatsapp_web_failure: 'generic_timeout_error',
    })
    expect(judge(today).parts).toMatchObject({
      registration: { verdict: 'ok', rule: 'whatsapp/registration_reached@1' },
      endpoints: { verdict: 'ok', rule: 'whatsapp/endpoints_reached_unverified@1' },
      web: { verdict: 'undetermined', rule: 'whatsapp/failed_once@1' },
    })
  })
})
