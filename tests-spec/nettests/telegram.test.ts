// Golden verdicts and OONI's keys of telegram.

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
import { telegram, telegramService } from './telegram.ts'

const judge = judging(telegram)

const timeout = 'generic_timeout_error'

/** One POST to the first data centre: an address in the URL, so nobody is asked for it. */
function post(port: 80 | 443, outcome: number | Failure, step: 'connect' | 'http' = 'http'): Observations {
  const tags = ['group=access_points', 'host=149.154.175.50', 'depth=0', 'classic']
  if (step === 'connect' && typeof outcome === 'string') return join(connect(outcome, { tags, port }))
  const answered = response(outcome, { tags, url: `http://149.154.175.50:${port}/` })
  const requests = answered.requests?.map((each) => ({ ...each, address: `149.154.175.50:${port}` })) ?? []
  return join(connect(null, { tags, port }), { requests })
}

function web(failure: Failure | null): Observations {
  const tags = ['group=web', 'host=web.telegram.org', 'depth=0', 'classic']
  const begun = join(query(['21.0.0.10'], { tags }), connect(null, { tags }))
  if (failure !== null) return join(begun, handshake(failure, { tags }))
  return join(begun, handshake(null, { tags }), response(200, { tags }))
}

const unblocked = { telegram_http_blocking: false, telegram_tcp_blocking: false }

describe('telegram', () => {
  it.each([
    [
      'both reached',
      join(post(80, 501), post(443, timeout, 'connect'), web(null)),
      { ...unblocked, telegram_web_status: 'ok', telegram_web_failure: null },
      { access_points: 'ok', web: 'ok' },
    ],
    [
      'any status is an answer',
      join(post(443, 404), web(null)),
      { ...unblocked, telegram_web_status: 'ok', telegram_web_failure: null },
      { access_points: 'ok', web: 'ok' },
    ],
    [
      'no access point accepts',
      join(post(80, timeout, 'connect'), post(443, timeout, 'connect'), web(null)),
      {
        telegram_http_blocking: true,
        telegram_tcp_blocking: true,
        telegram_web_status: 'ok',
        telegram_web_failure: null,
      },
      { access_points: 'anomaly', web: 'ok' },
    ],
    [
      'access points accept and then reset',
      join(post(80, 'connection_reset'), post(443, 'connection_reset'), web(null)),
      {
        telegram_http_blocking: true,
        telegram_tcp_blocking: false,
        telegram_web_status: 'ok',
        telegram_web_failure: null,
      },
      { access_points: 'anomaly', web: 'ok' },
    ],
    [
      'the web reset',
      join(post(80, 501), web('connection_reset')),
      { ...unblocked, telegram_web_status: 'blocked', telegram_web_failure: 'connection_reset' },
      { access_points: 'ok', web: 'anomaly' },
    ],
    [
      'both silent',
      join(post(80, timeout, 'connect'), web(timeout)),
      {
        telegram_http_blocking: true,
        telegram_tcp_blocking: true,
        telegram_web_status: 'blocked',
        telegram_web_failure: timeout,
      },
      { access_points: 'undetermined', web: 'undetermined' },
    ],
  ] as const)('%s', (_, seen, keys, parts) => {
    expect(judge(seen).keys).toEqual(keys)
    const judged = judgedAgain((circumstances) => judge(seen, circumstances))
    const kinds = Object.fromEntries(Object.entries(judged.parts).map(([name, part]) => [name, part.verdict]))
    expect(kinds).toEqual(parts)
  })

  it('OONI calls it blocked when the link is down; we do not', () => {
    const seen = join(post(80, 'network_unreachable', 'connect'), web(timeout))
    expect(judge(seen).keys.telegram_tcp_blocking).toBe(true)
    expect(judge(seen, { link: link('down') }).verdict.verdict).toBe('link_down')
  })

  it('asks six data centres on two ports each, by POST in clear text', () => {
    const endpoints = telegramService.groups[0]?.endpoints ?? []
    expect(endpoints).toHaveLength(12)
    for (const each of endpoints) expect(each).toMatchObject({ kind: 'url', method: 'POST' })
  })
})
