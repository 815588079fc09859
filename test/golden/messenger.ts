// Golden samples of a messenger whose rules are those of described services: what the rules make of it must fit its own
// keys and parts.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { hostOf, portsOf, type Service } from '../../tests-spec/nettests/service.ts'
import { connect, handshake, join, query, response } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

const silence: Failure = 'generic_timeout_error'

/** Every endpoint of a service as far as it goes, and no further than the connect in the groups that are silent. */
function seenOf({ groups }: Service, silent: readonly string[]): Observations {
  const flows = groups.flatMap(({ name, endpoints }) =>
    endpoints.map((endpoint) => {
      const host = hostOf(endpoint)
      const tags = [`group=${name}`, `host=${host}`, 'depth=0', 'classic']
      const resolved = query(['21.0.0.10'], { tags, hostname: host })
      if (endpoint.kind === 'dns') return resolved
      const failure = silent.includes(name) ? silence : null
      const connects = portsOf(endpoint).map((port) => connect(failure, { tags, port }))
      if (endpoint.kind !== 'url' || failure !== null) return join(resolved, ...connects)
      const url = endpoint.url
      const secured = url.startsWith('https:') ? handshake(null, { tags }) : {}
      return join(resolved, ...connects, secured, response(200, { tags, url }))
    }),
  )
  return join(...flows)
}

export function messengerSamples(service: Service): Golden {
  const judged = service.groups.filter((group) => group.informational !== true).map(({ name }) => name)
  return {
    asked: { input: null },
    samples: [
      sample('every group reached', seenOf(service, []), {}),
      ...judged.map((name) => sample(`${name} silent, the rest reached`, seenOf(service, [name]), {})),
      sample('every group silent', seenOf(service, judged), {}),
    ],
  }
}
