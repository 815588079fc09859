// Two hosts of a chain of redirects that failed once each are no failure seen twice.

import { expect, it } from 'vitest'
import { outside } from '../../test/golden/outside-view.ts'
import { judging } from '../../test/support/judge.ts'
import { connect, good, join, query, response } from '../../test/support/observations.ts'
import { hostOfStep } from './failed-step.ts'
import { webConnectivity } from './web-connectivity.ts'

const there = { tags: ['depth=1', 'classic'], id: 50_002 }
const name = {
  queries: (query(['21.0.0.10'], there).queries ?? []).map((each) => ({
    ...each,
    hostname: 'other.example',
  })),
}
const seen = join(
  query(['21.0.0.10']),
  connect(null, { port: 80 }),
  response(302, { url: 'http://site.example/' }),
  name,
  connect('generic_timeout_error', there),
)
const judge = judging(webConnectivity, { input: 'http://site.example/' })
const before = (host: string | undefined) => ({
  ...good,
  earlier: {
    step: 'connect' as const,
    how: 'generic_timeout_error',
    secondsAgo: 31,
    ...(host !== undefined && { host }),
  },
})
const view = outside({
  http_request: { ...outside().http_request, x_sonde_hosts: ['site.example', 'other.example'] },
})

it.each([
  ['the same host', 'other.example', 'anomaly'],
  ['another host of the chain', 'site.example', 'undetermined'],
  ['a host that an older agent did not name', undefined, 'anomaly'],
])('a step that failed before at %s', (_name, host, verdict) => {
  expect(judge(seen, before(host), { outside: view }).verdict.verdict).toBe(verdict)
})

it('names whose step it was', () => {
  expect(hostOfStep(seen, 50_002)).toBe('other.example')
  expect(hostOfStep(seen, 10_001)).toBe('site.example')
  expect(hostOfStep(seen, undefined)).toBeNull()
})
