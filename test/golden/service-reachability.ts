// Golden verdicts of a described service: each rule both ways, group by group.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import { serviceReachability } from '../../tests-spec/nettests/service-reachability.ts'
import { judging } from '../support/judge.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

/** An app with a web page, a pool of chat hosts, a gateway of which both halves are needed, and a name. */
export const app: Service = {
  name: 'app',
  groups: [
    {
      name: 'web',
      needs: 'any',
      endpoints: [{ kind: 'url', url: 'https://web.app.example/', method: 'HEAD' }],
    },
    {
      name: 'chat',
      needs: 'any',
      endpoints: ['c1', 'c2', 'c3'].map((host) => ({
        kind: 'tcp',
        host: `${host}.app.example`,
        ports: [443],
      })),
    },
    {
      name: 'gateway',
      needs: 'all',
      endpoints: ['g1', 'g2'].map((host) => ({ kind: 'tls', host: `${host}.app.example`, port: 443 })),
    },
    { name: 'stun', needs: 'any', endpoints: [{ kind: 'dns', host: 'stun.app.example' }] },
    {
      name: 'beta',
      needs: 'any',
      endpoints: [{ kind: 'dns', host: 'beta.app.example' }],
      informational: true,
    },
  ],
}

type Step = 'resolve' | 'connect' | 'tls' | 'http'
const depths: readonly Step[] = ['resolve', 'connect', 'tls', 'http']

/** A flow that came as far as `last`, where it failed, or not when `failure` is null. */
export function flow(group: string, host: string, last: Step, failure: Failure | null): Observations {
  const tags = [`group=${group}`, `host=${host}.app.example`, 'depth=0', 'classic']
  const at = (step: Step) => (step === last ? failure : null)
  const taken = depths.slice(0, depths.indexOf(last) + 1)
  return join(
    ...taken.map((step) => {
      if (step === 'resolve')
        return query(at(step) ?? ['21.0.0.10'], { tags, hostname: `${host}.app.example` })
      if (step === 'connect') return connect(at(step), { tags })
      if (step === 'tls') return handshake(at(step), { tags })
      return response(at(step) ?? 200, { tags })
    }),
  )
}

export const web = (failure: Failure | null, last: Step = 'http') => flow('web', 'web', last, failure)
export const chat = (...failures: readonly (Failure | null)[]) =>
  join(...failures.map((failure, i) => flow('chat', `c${i + 1}`, 'connect', failure)))
export const gateway = (...failures: readonly (Failure | null)[]) =>
  join(...failures.map((failure, i) => flow('gateway', `g${i + 1}`, 'tls', failure)))
export const stun = (failure: Failure | null) => flow('stun', 'stun', 'resolve', failure)
export const timeout = 'generic_timeout_error'

export const fine = join(web(null), chat(null, null, null), gateway(null, null), stun(null))
/** All that is reached but `group`. */
export function fineBut(group: 'web' | 'chat' | 'gateway' | 'stun', instead: Observations): Observations {
  const parts = {
    web: web(null),
    chat: chat(null, null, null),
    gateway: gateway(null, null),
    stun: stun(null),
  }
  return join(...Object.values({ ...parts, [group]: instead }))
}

export const judge = judging(serviceReachability, { input: app.name, service: app })

/** What a helper says of the hosts of chat, all at one address. */
export const seenOutside = (connects: boolean) => ({
  x_sonde_service_control: {
    helpers: ['https://helper.example/v1/web-connectivity'],
    tcp_connect: { '21.0.0.10:443': connects },
    tls_handshake: {},
    requests: {},
    names: { 'c1.app.example': true },
  },
})
/** Every group of which a helper is asked is silent. */
export const allSilent = join(
  web(timeout, 'connect'),
  chat(timeout, timeout, timeout),
  gateway(timeout, timeout),
)
const before = { earlier: { step: 'connect', how: timeout, secondsAgo: 31 } } as const

/** Each rule of a service and a near miss: rules.test.ts. */
const rows: readonly (Omit<GoldenRow, 'verdict' | 'seen'> & {
  readonly seen: Observations & Readonly<Record<string, unknown>>
})[] = [
  {
    name: 'the open ports silent, and reached from outside, again',
    seen: { ...fineBut('chat', chat(timeout, timeout, timeout)), ...seenOutside(true) },
    circumstances: before,
  },
  {
    name: 'the open ports silent, and for everybody, again',
    seen: { ...fineBut('chat', chat(timeout, timeout, timeout)), ...seenOutside(false) },
    circumstances: before,
  },
  { name: 'every group reached', seen: fine },
  {
    name: 'every group reached, behind a portal',
    seen: fine,
    circumstances: { link: link('captive_portal') },
  },
  { name: 'one group silent, the rest reached', seen: fineBut('web', web(timeout, 'connect')) },
  {
    name: 'one group silent, and half a minute ago too',
    seen: fineBut('web', web(timeout, 'connect')),
    circumstances: { earlier: { step: 'connect', how: timeout, secondsAgo: 31 } },
  },
  { name: 'an open port silent, the rest reached', seen: fineBut('chat', chat(timeout, timeout, timeout)) },
]

export const golden: Golden = {
  asked: { input: app.name, service: app },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
}
