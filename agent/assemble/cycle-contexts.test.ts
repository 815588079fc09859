// Which helpers a cycle goes on asking.

import { expect, it } from 'vitest'
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { loadConfig } from '../config.ts'
import type { HelperOutcome } from '../nettests/nettest.ts'
import { makeTrust } from '../operations/trust.ts'
import { systemClock } from '../platform/clock.ts'
import { contextsOfCycle } from './cycle-contexts.ts'

const [first, second] = ['https://a.example/', 'https://b.example/']

function cycle() {
  const none = { entries: [], controls: [], resolvers: [] }
  const context = contextsOfCycle({
    list: parseTestList({ name: 'test', version: 1, helpers: [first, second], ...none }),
    config: loadConfig(null, {}),
    rounds: 1,
    collector: null,
    trust: makeTrust({}),
    signal: new AbortController().signal,
    clock: systemClock(),
    wallMs: Date.now,
    own: () => ({ ipv4: true, ipv6: false, networks: [], sources: { ipv4: null, ipv6: null } }),
  })
  const isLineSlow = () => false
  return {
    helpers: () => context(null, isLineSlow).helpers,
    note: (...outcomes: readonly HelperOutcome[]) => {
      for (const each of outcomes) context(null, isLineSlow).noteHelper(first, each)
    },
  }
}

it.each<[readonly HelperOutcome[], boolean]>([
  [['answered'], true],
  [['none'], false],
  [['silent', 'silent'], true],
  [['silent', 'silent', 'silent'], false],
  // A lossy line loses some.
  [['silent', 'silent', 'answered', 'silent', 'silent'], true],
])('a helper that was %j is asked again: %s', (outcomes, again) => {
  const { helpers, note } = cycle()
  note(...outcomes)
  expect(helpers()).toEqual(again ? [first, second] : [second])
})

it('asks all again in the next cycle', () => {
  cycle().note('none')
  expect(cycle().helpers()).toEqual([first, second])
})
