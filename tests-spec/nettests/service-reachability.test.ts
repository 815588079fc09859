// Golden verdicts of a described service: each rule both ways, group by group.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { outside } from '../../test/golden/outside-view.ts'
import {
  allSilent,
  app,
  chat,
  fine,
  fineBut,
  flow,
  gateway,
  judge,
  seenOutside,
  stun,
  timeout,
  web,
} from '../../test/golden/service-reachability.ts'
import { judging } from '../../test/support/judge.ts'
import { connect, good, handshake, join, link, nothing, query } from '../../test/support/observations.ts'
import type { Service } from './service.ts'
import { inBrief } from './service-outside.ts'
import { judgeGroups, outcomesOf, serviceReachability } from './service-reachability.ts'
import { earlierFailure, verdict as verdictSchema } from './verdict.ts'

describe('service_reachability', () => {
  it('calls a service ok of which every group is reached, and says how far that is proven', () => {
    const { verdict, parts } = judge(fine)
    expect(verdict.verdict).toBe('ok')
    expect(Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.rule]))).toEqual({
      web: 'service_reachability/web_reached@1',
      chat: 'service_reachability/chat_reached_unverified@1',
      gateway: 'service_reachability/gateway_reached@1',
      stun: 'service_reachability/stun_reached_unverified@1',
    })
  })

  it.each([
    ['a URL silent', fineBut('web', web(timeout, 'connect')), 'undetermined', 'failed_once', 'web'],
    [
      'a URL refused',
      fineBut('web', web('connection_refused', 'connect')),
      'undetermined',
      'failed_once',
      'web',
    ],
    [
      'a handshake reset',
      fineBut('web', web('connection_reset', 'tls')),
      'undetermined',
      'failed_once',
      'web',
    ],
    [
      'one chat host silent',
      fineBut('chat', chat(timeout, null, null)),
      'ok',
      'chat_reached_unverified',
      'chat',
    ],
    [
      'every chat host silent',
      fineBut('chat', chat(timeout, timeout, timeout)),
      'undetermined',
      'failed_once',
      'chat',
    ],
    [
      'one of two needed silent',
      fineBut('gateway', gateway(null, timeout)),
      'undetermined',
      'failed_once',
      'gateway',
    ],
    [
      'one of two needed reset, the other silent',
      fineBut('gateway', gateway(timeout, 'connection_reset')),
      'undetermined',
      'failed_once',
      'gateway',
    ],
    [
      'one of two needed not measured',
      fineBut('gateway', gateway(null)),
      'undetermined',
      'interrupted',
      'gateway',
    ],
    ['a name gone', fineBut('stun', stun('dns_nxdomain_error')), 'undetermined', 'failed_once', 'stun'],
    ['a group not measured', fineBut('web', nothing), 'undetermined', 'interrupted', 'web'],
    [
      'a lookup that never left',
      fineBut('web', web('interrupted', 'resolve')),
      'undetermined',
      'interrupted',
      'web',
    ],
  ] as const)('%s, the rest reached', (_, seen, kind, rule, group) => {
    const { verdict, parts } = judge(seen)
    expect(parts[group]).toMatchObject({ verdict: kind, rule: `service_reachability/${rule}@1` })
    const others = Object.entries(parts).filter(([name]) => name !== group)
    expect(others.map(([, part]) => part.verdict)).toEqual(['ok', 'ok', 'ok'])
    expect(verdict).toEqual(kind === 'ok' ? parts.web : parts[group])
    for (const each of Object.values(parts)) expect(v.is(verdictSchema, each)).toBe(true)
  })

  it.each([
    ['a URL silent', fineBut('web', web(timeout, 'connect')), 'web'],
    ['a URL refused', fineBut('web', web('connection_refused', 'connect')), 'web'],
    ['every chat host silent', fineBut('chat', chat(timeout, timeout, timeout)), 'chat'],
    ['one of two needed silent', fineBut('gateway', gateway(null, timeout)), 'gateway'],
    ['a name gone', fineBut('stun', stun('dns_nxdomain_error')), 'stun'],
  ] as const)('%s, and again half a minute later: an anomaly', (_, seen, group) => {
    const first = judge(seen)
    const again = (secondsAgo: number, parts = first.parts) =>
      judge(seen, { ...good, earlier: earlierFailure(first.verdict, parts, secondsAgo) }).parts[group]
    const rule = `service_reachability/${group}_alone_fails@2`
    expect(again(30)).toMatchObject({ verdict: 'anomaly', rule })
    expect(again(29)).toMatchObject({ verdict: 'undetermined', rule: 'service_reachability/failed_once@1' })
    // Another group failed before, and this one did not.
    expect(again(30, {})).toMatchObject({ verdict: 'undetermined' })
  })

  it.each([
    ['a handshake reset', fineBut('web', web('connection_reset', 'tls')), 'web'],
    [
      'one of two needed reset, the other silent',
      fineBut('gateway', gateway(timeout, 'connection_reset')),
      'gateway',
    ],
  ] as const)('%s, and again half a minute later: somebody sends that', (_, seen, group) => {
    const first = judge(seen)
    const earlier = earlierFailure(first.verdict, first.parts, 30)
    expect(judge(seen, { ...good, earlier }).parts[group]).toMatchObject({
      verdict: 'anomaly',
      rule: 'service_reachability/tls_handshake_interfered@4',
    })
  })

  it('leaves a service of which every group is silent undetermined: the operator may be down', () => {
    const seen = join(
      web(timeout, 'connect'),
      chat(timeout),
      gateway(timeout, timeout),
      stun('dns_no_answer'),
    )
    const { verdict, parts } = judge(seen)
    expect(verdict.verdict).toBe('undetermined')
    for (const part of Object.values(parts)) expect(part.rule).toBe('service_reachability/no_outside_view@1')
  })

  it('takes a name that resolves for no sign of life of the operator', () => {
    const seen = join(web(timeout, 'connect'), chat(timeout), gateway(timeout, timeout), stun(null))
    expect(judge(seen).verdict.verdict).toBe('undetermined')
  })

  it('leaves silence undetermined when a control was lost, and does not forgive a reset for it', () => {
    const lossy = { ...good, link: link('up', 3) }
    expect(judge(fineBut('web', web(timeout, 'connect')), lossy).parts.web?.verdict).toBe('undetermined')
    const reset = { step: 'tls_handshake', how: 'connection_reset', secondsAgo: 31 } as const
    const again = { ...lossy, earlier: reset }
    expect(judge(fineBut('web', web('connection_reset', 'tls')), again).parts.web?.verdict).toBe('anomaly')
  })

  it.each([
    ['down', 'link_down'],
    ['degraded', 'undetermined'],
    ['unknown', 'undetermined'],
  ] as const)('finds no anomaly when the link is %s', (state, kind) => {
    const seen = fineBut('web', web('connection_reset', 'tls'))
    expect(judge(seen, { ...good, link: link(state) }).parts.web?.verdict).toBe(kind)
  })

  // A gateway without a way out was seen to accept every connection and to answer 404 for everyone.
  const cutOff = ['captive_portal', 'bundle_exhausted', 'provider_only', 'down'] as const
  it.each(cutOff)('believes a certificate when the link is %s, and nothing else', (state) => {
    const { parts } = judge(fine, { ...good, link: link(state) })
    expect(parts.web?.verdict).toBe('ok')
    expect(parts.gateway?.verdict).toBe('ok')
    expect(parts.chat).toMatchObject({ verdict: 'link_down', how: state })
    expect(parts.stun?.verdict).toBe('link_down')
  })

  it.each(['degraded', 'unknown'] as const)('reaches an open port when the link is %s', (state) => {
    expect(judge(fine, { ...good, link: link(state) }).parts.chat?.verdict).toBe('ok')
  })

  it('blames the clock for a wrong date, not the network', () => {
    const tags = ['group=web', 'host=web.app.example', 'depth=0', 'classic']
    const late = join(
      query(['21.0.0.10'], { tags }),
      connect(null, { tags }),
      handshake('ssl_invalid_certificate', { tags, faults: ['ssl_invalid_certificate', 'not_yet_valid'] }),
    )
    const { parts } = judge(fineBut('web', late), { ...good, clock: 'unknown' })
    expect(parts.web?.rule).toBe('service_reachability/local_clock@1')
  })

  it('records an informational group and never judges it', () => {
    const { verdict, parts } = judge(join(fine, flow('beta', 'beta', 'resolve', 'dns_nxdomain_error')))
    expect(verdict.verdict).toBe('ok')
    expect(parts).not.toHaveProperty('beta')
  })

  it('names its rules after the nettest that asks', () => {
    const { parts } = judgeGroups('whatsapp', outcomesOf(fine, app, false), good)
    expect(parts.web?.rule).toBe('whatsapp/web_reached@1')
  })

  it('rests on every connect that failed', () => {
    const { parts } = judge(fineBut('chat', chat(timeout, 'connection_refused', timeout)))
    expect(parts.chat).toMatchObject({ how: timeout, step: 'connect', because: [50_001, 50_001, 50_001] })
  })
})

describe('service_reachability and ports that others hide', () => {
  const chatOn = (ports: readonly number[]): Service => ({
    name: 'app',
    groups: [
      {
        name: 'chat',
        needs: 'any',
        endpoints: ['c1', 'c2'].map((host) => ({
          kind: 'tcp',
          host: `${host}.app.example`,
          ports: [...ports],
        })),
      },
    ],
  })
  const seenOn = (failures: Readonly<Record<number, 'generic_timeout_error' | null>>) =>
    join(
      ...['c1', 'c2'].flatMap((host) => {
        const tags = ['group=chat', `host=${host}.app.example`, 'classic']
        const connects = Object.entries(failures).map(([port, failure]) =>
          connect(failure, { tags, port: Number(port) }),
        )
        return [query(['21.0.0.10'], { tags, hostname: `${host}.app.example` }), ...connects]
      }),
    )
  const judgeChat = judging(serviceReachability, { input: 'app', service: chatOn([443, 5222]) })

  it('says that a port is silent at every host, of a service that works by the other', () => {
    const seen = seenOn({ 443: null, 5222: timeout })
    const first = judgeChat(seen)
    expect(first.verdict.verdict).toBe('ok')
    expect(first.parts['chat:5222']?.rule).toBe('service_reachability/failed_once@1')
    const again = judgeChat(seen, { ...good, earlier: earlierFailure(first.verdict, first.parts, 31) })
    expect(again.verdict.verdict).toBe('ok')
    expect(again.parts['chat:5222']).toMatchObject({ verdict: 'anomaly', step: 'connect' })
  })

  it('says nothing where each port has a host that answers, or all are silent', () => {
    const mixed = join(
      ...seenOn({ 443: null, 5222: null }).tcp_connect.map((each, index) => ({
        tcp_connect: [
          index === 1 ? { ...each, status: { success: false, failure: timeout } as const } : each,
        ],
      })),
      { queries: seenOn({}).queries },
    )
    expect(Object.keys(judgeChat(mixed).parts)).toEqual(['chat'])
    expect(Object.keys(judgeChat(seenOn({ 443: timeout, 5222: timeout })).parts)).toEqual(['chat'])
  })
})

describe('service_reachability with a helper', () => {
  const chatSilent = fineBut('chat', chat(timeout, timeout, timeout))
  const again = { ...good, earlier: { step: 'connect', how: timeout, secondsAgo: 31 } } as const
  const partOf = (seen: Parameters<typeof judge>[0], group: string, circumstances = good) =>
    judge(seen, circumstances).parts[group]?.rule

  it.each([
    ['reached outside, the first time', true, good, 'failed_once@1'],
    ['reached outside, again', true, again, 'connect_fails_only_here@3'],
    ['dead outside as well', false, again, 'fails_outside_too@2'],
  ])('ports that are silent here and %s', (_name, connects, circumstances, rule) => {
    const seen = { ...chatSilent, ...seenOutside(connects) }
    expect(partOf(seen, 'chat', circumstances)).toBe(`service_reachability/${rule}`)
  })

  it.each([
    [
      'a handshake that is cut, and shown a certificate outside',
      'connection_reset',
      'ssl_unknown_authority',
      'tls_handshake_interfered',
    ],
    [
      'a handshake that meets silence, and shown an old certificate outside',
      timeout,
      'ssl_invalid_certificate',
      'tls_handshake_fails_only_here',
    ],
    ['a handshake that is cut here and outside', 'connection_reset', 'connection_reset', 'fails_outside_too'],
    ["somebody else's certificate outside", 'connection_reset', 'ssl_invalid_hostname', 'fails_outside_too'],
    [
      'a certificate that nobody trusts, here and outside',
      'ssl_unknown_authority',
      'ssl_unknown_authority',
      'fails_outside_too',
    ],
  ] as const)('of %s', (_name, here, there, rule) => {
    const endpoint = { kind: 'tls', host: 'g1.app.example', port: 443 } as const
    const at = { '21.0.0.10:443': { server_name: 'g1.app.example', status: false, failure: there } }
    const brief = inBrief(endpoint, outside({ tls_handshake: at }), false)
    const seen = {
      ...fineBut('gateway', gateway(here, here)),
      x_sonde_service_control: { helpers: ['https://helper.example/'], ...brief },
    }
    const earlier = { step: 'tls_handshake', how: here, secondsAgo: 31 } as const
    expect(partOf(seen, 'gateway', { ...good, earlier })).toContain(rule)
  })

  it('takes a helper whose chain broke behind a redirect for one that got past the first host', () => {
    const endpoint = { kind: 'url', url: 'https://api.app.example/', method: 'GET' } as const
    const failing = { ...outside().http_request, failure: 'generic_timeout_error', status_code: -1 }
    const said = (hosts: readonly string[]) =>
      inBrief(endpoint, outside({ http_request: { ...failing, x_sonde_hosts: [...hosts] } }), false).requests
    expect(said(['api.app.example', 'gone.example'])).toEqual({ [endpoint.url]: true })
    expect(said(['api.app.example'])).toEqual({ [endpoint.url]: false })
    expect(inBrief(endpoint, outside({ http_request: failing }), false).requests).toEqual({
      [endpoint.url]: false,
    })
  })

  it('convicts also where every group is silent: an outage of the operator is seen outside', () => {
    expect(partOf(allSilent, 'chat', again)).toBe('service_reachability/no_outside_view@1')
    expect(partOf({ ...allSilent, ...seenOutside(true) }, 'chat', again)).toBe(
      'service_reachability/connect_fails_only_here@3',
    )
  })

  it('compares the same address and port alone', () => {
    const other = { ...seenOutside(true).x_sonde_service_control, tcp_connect: { '21.0.0.11:443': true } }
    expect(partOf({ ...allSilent, x_sonde_service_control: other }, 'chat', again)).toBe(
      'service_reachability/no_outside_view@1',
    )
  })

  it('does not take a helper that got there over IPv6 alone for one that got there over IPv4', () => {
    const tags = ['group=chat', 'host=c1.app.example', 'classic']
    const dead = join(
      query(['21.0.0.10'], { tags, hostname: 'c1.app.example' }),
      connect(timeout, { tags }),
      connect(timeout, { tags, ip: '2d00:22::10' }),
    )
    const tcp_connect = { '21.0.0.10:443': false, '[2d00:22::10]:443': true }
    const control = { ...seenOutside(true).x_sonde_service_control, tcp_connect }
    expect(partOf({ ...fineBut('chat', dead), x_sonde_service_control: control }, 'chat', again)).toBe(
      'service_reachability/fails_outside_too@2',
    )
  })

  it('compares a name that does not resolve with names', () => {
    const gone = fineBut('chat', flow('chat', 'c1', 'resolve', 'dns_nxdomain_error'))
    expect(partOf({ ...gone, ...seenOutside(true) }, 'chat', { ...again, earlier: resolvedBefore })).toBe(
      'service_reachability/resolve_fails_only_here@3',
    )
    const control = { ...seenOutside(true).x_sonde_service_control, names: { 'c1.app.example': false } }
    expect(partOf({ ...gone, x_sonde_service_control: control }, 'chat')).toBe(
      'service_reachability/fails_outside_too@2',
    )
  })
  const resolvedBefore = { step: 'resolve', how: 'dns_nxdomain_error', secondsAgo: 31 } as const
})

describe('the keys of service_reachability', () => {
  it('says of each group what became of it, the informational ones included', () => {
    const seen = join(
      web(null),
      chat(timeout, 'connection_refused', 'connection_refused'),
      gateway(null),
      stun(null),
    )
    expect(judge(join(seen, flow('beta', 'beta', 'resolve', 'dns_no_answer'))).keys).toEqual({
      x_sonde_service: {
        name: 'app',
        groups: {
          web: { status: 'reached', failure: null },
          chat: { status: 'failed', failure: 'connection_refused' },
          gateway: { status: 'not_measured', failure: null },
          stun: { status: 'reached', failure: null },
          beta: { status: 'failed', failure: 'dns_no_answer' },
        },
      },
    })
  })
})
