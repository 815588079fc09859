// Signal as a service, and OONI's keys for it: ts-029 in version 0.2.5. signal.md is the page; the rules are those of
// service-reachability.ts, the certificates in signal-roots.ts.

import { failure } from '../data-formats/observation.ts'
import { defineNettest, noInput } from './nettest-spec.ts'
import type { Service, ServiceGroup } from './service.ts'
import { serviceObservations } from './service-outside.ts'
import { judgeGroups, ooniStatus, outcomesOf, statusIf } from './service-reachability.ts'
import { signalRoots } from './signal-roots.ts'
import { partsOf } from './verdict.ts'

/** Each backend does another thing, so each is a group: a network may block calls and let messages pass. */
const backend = (name: string, host: string): ServiceGroup => ({
  name,
  needs: 'any',
  endpoints: [{ kind: 'url', url: `https://${host}/`, method: 'HEAD' }],
})

export const signalService: Service = {
  name: 'signal',
  groups: [
    backend('contacts', 'cdsi.signal.org'),
    backend('chat', 'chat.signal.org'),
    backend('calls', 'sfu.voip.signal.org'),
    backend('storage', 'storage.signal.org'),
    {
      name: 'uptime',
      needs: 'any',
      // Resolved by the applications to learn of outages; OONI records it and judges nothing by it.
      endpoints: [{ kind: 'dns', host: 'uptime.signal.org' }],
      informational: true,
    },
  ],
  extra_roots: [...signalRoots],
}

export const signal = defineNettest({
  name: 'signal',
  version: '0.2.5',
  about: "Signal's backends, under its own authority",
  input: noInput,
  options: null,
  observations: serviceObservations,
  findings: {
    signal_backend_status: ooniStatus,
    /** Of the last backend that failed, in the order of the description. */
    signal_backend_failure: failure,
  },
  parts: partsOf('contacts', 'chat', 'calls', 'storage'),
  rules: [],
  judge({ seen, own, circumstances, service = signalService }) {
    const outcomes = outcomesOf(seen, service, circumstances.lab, own.x_sonde_service_control)
    const failed = outcomes.filter(
      ([group, { status }]) => group.informational !== true && status !== 'reached',
    )
    const last = failed.at(-1)?.[1]
    return {
      keys: {
        signal_backend_status: statusIf(last === undefined),
        signal_backend_failure: last?.failures[0]?.failure ?? null,
      },
      ...judgeGroups('signal', outcomes, circumstances),
    }
  },
})
