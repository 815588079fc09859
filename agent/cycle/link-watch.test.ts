// A failure is judged by controls that are asked after it, and twenty failures do not cause twenty checks.

import { expect, it } from 'vitest'
import { link } from '../../test/support/observations.ts'
import { linkWatch, worseOf } from './link-watch.ts'

/** Checks of the link that the test finishes by hand. */
function manualChecks() {
  const finish: (() => void)[] = []
  let asked = 0
  const check = () => {
    asked += 1
    const state = link(asked % 2 === 0 ? 'down' : 'up')
    return new Promise<typeof state>((resolve) => finish.push(() => resolve(state)))
  }
  return { check, finish, asked: () => asked }
}

it('recheck() while a check runs waits for one that began after the call', async () => {
  const { check, finish, asked } = manualChecks()
  const watch = linkWatch(link('unknown'), check)
  const first = watch.recheck()
  const late = [watch.recheck(), watch.recheck(), watch.recheck()]
  expect(asked()).toBe(1)
  finish[0]?.()
  expect((await first).state).toBe('up')
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked()).toBe(2)
  finish[1]?.()
  const states = await Promise.all(late)
  expect(states.map((each) => each.state)).toEqual(['down', 'down', 'down'])
  expect(watch.current().state).toBe('down')
})

it('recheck() works again after a check that threw', async () => {
  let calls = 0
  const watch = linkWatch(link('up'), async () => {
    calls += 1
    if (calls === 1) throw new Error('a bug in a check')
    return link('down')
  })
  await expect(watch.recheck()).rejects.toThrow('a bug')
  expect((await watch.recheck()).state).toBe('down')
})

it('worseOf() believes the worse of before and after', () => {
  expect(worseOf(link('up'), link('down')).state).toBe('down')
  expect(worseOf(link('down'), link('up')).state).toBe('down')
  expect(worseOf(link('degraded'), link('up')).state).toBe('degraded')
  expect(worseOf(link('up'), link('up')).state).toBe('up')
})

it.each([
  [true, true, true],
  [true, false, false],
  [false, true, false],
  [true, undefined, false],
])('worseOf() believes in IPv6 that was %s before and %s after: %s', (before, after, during) => {
  const state = (ipv6: boolean | undefined) => ({ ...link('up'), ...(ipv6 !== undefined && { ipv6 }) })
  expect(worseOf(state(before), state(after)).ipv6).toBe(during)
})

it.each([
  ['one control lost before and none after', link('up', 3), link('up', 4), 'up', 3],
  ['none before and one after', link('up', 4), link('up', 3), 'up', 3],
  ['down before, degraded after', link('down'), link('degraded', 2), 'down', 0],
  ['degraded before, down after', link('degraded', 2), link('down'), 'down', 0],
  ['degraded twice, worse before', link('degraded', 1), link('degraded', 2), 'degraded', 1],
])('worseOf() takes the worse: %s', (_name, before, after, state, ok) => {
  expect(worseOf(before, after)).toMatchObject({ state, controls_ok: ok })
})
