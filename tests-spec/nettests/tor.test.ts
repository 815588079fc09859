// Golden verdicts of tor: each way into the network by itself.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { fine, reset, rows, seen, silent } from '../../test/golden/tor.ts'
import { judging } from '../../test/support/judge.ts'
import { isBogon } from './bogon.ts'
import { tor } from './tor.ts'
import { publicTorTargets, type TorProtocol, torTargets } from './tor-targets.ts'
import { verdict as verdictSchema } from './verdict.ts'

const judge = judging(tor)

describe('tor', () => {
  for (const { name, seen: observations, verdict: expected, parts, circumstances } of rows) {
    it(name, () => {
      const judged = judge(observations, circumstances)
      const { verdict, rule } = judged.verdict
      expect(`${verdict} ${rule.replace(/^tor\/|@\d+$/g, '')}`).toBe(expected)
      const kinds = Object.fromEntries(
        Object.entries(judged.parts).map(([kind, part]) => [kind, part.verdict]),
      )
      expect(kinds).toEqual(parts)
      for (const each of [judged.verdict, ...Object.values(judged.parts)]) v.parse(verdictSchema, each)
    })
  }
})

describe('the keys of tor', () => {
  it('counts each kind and describes each target, as OONI does', () => {
    const { keys } = judge(
      seen(
        fine('dir_port'),
        { protocol: 'dir_port', page: true },
        silent('dir_port'),
        reset('or_port_dirauth'),
        fine('or_port'),
        silent('obfs4'),
      ),
    )
    expect(keys).toMatchObject({
      dir_port_total: 3,
      // OONI counts any answer.
      dir_port_accessible: 2,
      or_port_dirauth_total: 1,
      or_port_dirauth_accessible: 0,
      or_port_total: 1,
      or_port_accessible: 1,
      obfs4_total: 1,
      obfs4_accessible: 0,
    })
    expect(keys.targets).toMatchObject({
      '21.0.0.2:443/dir_port': {
        agent: 'redirect',
        failure: 'generic_timeout_error',
        target_address: '21.0.0.2:443',
        target_protocol: 'dir_port',
        summary: { connect: { failure: 'generic_timeout_error' } },
      },
      '21.0.0.3:443/or_port_dirauth': {
        failure: 'connection_reset',
        summary: { connect: { failure: null }, handshake: { failure: 'connection_reset' } },
      },
      '21.0.0.4:443/or_port': { failure: null, summary: { handshake: { failure: null } } },
    })
  })
})

describe('publicTorTargets', () => {
  it('are targets, each public and named by itself', () => {
    expect(v.safeParse(torTargets, publicTorTargets).issues).toBeUndefined()
    for (const [id, { address, protocol }] of Object.entries(publicTorTargets)) {
      expect(id).toBe(`${address}/${protocol}`)
      expect(isBogon(address.replace(/:\d+$/, '')), address).toBe(false)
    }
  })

  it('hold enough authorities for their silence to mean something', () => {
    const of = (kind: TorProtocol) =>
      Object.values(publicTorTargets).filter(({ protocol }) => protocol === kind)
    expect(of('dir_port').length).toBeGreaterThanOrEqual(9)
    expect(of('or_port_dirauth').length).toBeGreaterThanOrEqual(9)
    expect(of('or_port').length).toBeGreaterThan(0)
    expect(of('obfs4').length).toBeGreaterThan(0)
  })
})

it.each([
  [{ targets: { 'a b': { address: '192.0.2.1:443', protocol: 'or_port' } } }],
  [{ targets: { a: { address: 'relay.example:443', protocol: 'or_port' } } }],
  [{ targets: { a: { address: '192.0.2.1:443', protocol: 'snowflake' } } }],
  [{ targets: { a: { address: '192.0.2.1', protocol: 'or_port' } } }],
  [{ target: {} }],
])('tor refuses the options %j', (options) => {
  expect(v.safeParse(tor.options, options).success).toBe(false)
})
