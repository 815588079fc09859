// Where another target was cut a short while ago, and where it was not.

import { describe, expect, it } from 'vitest'
import { connect, handshake, join, query, response } from '../../test/support/observations.ts'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Verdict } from '../../tests-spec/nettests/verdict.ts'
import { Cuts } from './cuts.ts'

const verdict = (rule: string): Verdict => ({
  verdict: 'anomaly',
  rule: `web_connectivity/${rule}@1`,
  step: 'tls_handshake',
  how: 'connection_reset',
  because: [1],
})
const cut = join(query(['21.0.0.10']), connect(null), handshake('connection_reset'))
const silent = join(query(['21.0.0.10']), connect(null), handshake('generic_timeout_error'))
const refused = join(query(['21.0.0.10']), connect('connection_refused'))
const elsewhere = join(query(['21.0.0.11']), connect('connection_refused', { ip: '21.0.0.11' }))
const neutral = handshake('ssl_invalid_hostname', { tags: ['depth=0', 'followup=neutral_name'] })
const requestCut = join(
  query(['21.0.0.10']),
  connect(null, { port: 80 }),
  response('connection_reset', { url: 'http://site.example/', address: '21.0.0.10:80' }),
)
const requestSilent = join(
  query(['21.0.0.10']),
  connect(null, { port: 80 }),
  response('generic_timeout_error', { url: 'http://site.example/', address: '21.0.0.10:80' }),
)
const requestForNeutral = (outcome: Failure | number) =>
  response(outcome, {
    url: 'http://neutral.example/',
    address: '21.0.0.10:80',
    tags: ['depth=0', 'followup=neutral_request'],
  })
const elsewhereByOther = query(['21.9.9.9'], { engine: 'udp', tags: ['depth=0'], id: 20_001 })
const reached = join(query(['21.0.0.10']), connect(null), handshake(null), response(200))

/** Whether `second`, `afterMs` later, is told of `first`. */
function toldOf(
  first: Observations,
  second: Observations,
  { afterMs = 20_000, rule = 'failed_once', same = false } = {},
): number | null {
  const cuts = new Cuts()
  cuts.note('a', first, verdict(rule), 1_000)
  const startedMs = 1_000 + afterMs
  return cuts.secondsSince(same ? 'a' : 'b', second, { startedMs, endedMs: startedMs + 10_000 })
}

describe('Cuts', () => {
  it.each<[string, number | null, Parameters<typeof toldOf>]>([
    ['a failed connect where another was cut', 20, [cut, refused]],
    ['silence where another was cut', 20, [cut, silent]],
    ['a failure after three minutes', null, [cut, refused, { afterMs: 180_000 }]],
    ['a failure at another address', null, [cut, elsewhere]],
    ['a failure of the target itself once more', null, [cut, cut, { same: true }]],
    ['a failure where another met silence: loss does that', null, [silent, refused]],
    [
      'a failure where another met silence under its name alone',
      20,
      [silent, refused, { rule: 'server_name_interfered' }],
    ],
    ['a failure where another was reached', null, [reached, refused]],
    ['a failure where a neutral name was answered in between', null, [cut, join(cut, neutral)]],
    ['a request of its own that was cut behind a connection', null, [cut, requestCut]],
    [
      'a request that was cut as one for a neutral host was',
      20,
      [cut, join(requestCut, requestForNeutral('connection_reset'))],
    ],
    [
      'a request that was cut where one for a neutral host was answered',
      null,
      [cut, join(requestCut, requestForNeutral(404))],
    ],
    [
      'a request that met silence where one for a neutral host was answered',
      null,
      [cut, join(requestSilent, requestForNeutral(404))],
    ],
    ['a request that met silence, and no other was made', 20, [cut, requestSilent]],
    [
      'an address that another resolver does not give: the answer is the story',
      null,
      [cut, join(refused, elsewhereByOther)],
    ],
    ['what was reached', null, [cut, reached]],
  ])('%s: %s', (_name, seconds, asked) => {
    expect(toldOf(...asked)).toBe(seconds)
  })

  it('knows of a cut that came while the other was measured, and of the last of several', () => {
    const cuts = new Cuts()
    cuts.note('a', cut, verdict('failed_once'), 1_000)
    cuts.note('c', cut, verdict('failed_once'), 61_000)
    expect(cuts.secondsSince('b', refused, { startedMs: 66_000, endedMs: 70_000 })).toBe(5)
    expect(cuts.secondsSince('b', refused, { startedMs: 60_000, endedMs: 70_000 })).toBe(0)
    expect(cuts.secondsSince('b', refused, { startedMs: 400, endedMs: 900 })).toBeNull()
  })

  it('takes brackets of IPv6 off', () => {
    const [over, at] = [{ address: '[2d00:22::10]:443' }, { ip: '2d00:22::10' }]
    expect(
      toldOf(
        join(connect(null, at), handshake('connection_reset', over)),
        join(connect('connection_refused', at)),
      ),
    ).toBe(20)
  })
})
