// Signal as a service, and OONI's keys for it: ts-029 in version 0.2.5. signal.md is the page; the rules are those of
// service-reachability.ts, the certificates in signal-roots.ts.

import * as v from 'valibot'
import { failure, type Observations } from '../data-formats/observation.ts'
import type { Service, ServiceGroup } from './service.ts'
import { judgeService, outcomesOf, type ServiceConclusion } from './service-reachability.ts'
import { signalRoots } from './signal-roots.ts'
import { type Circumstances, partsOf } from './verdict.ts'

export const signalName = 'signal'
export const signalVersion = '0.2.5'

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

const signalFindings = v.object({
  signal_backend_status: v.picklist(['ok', 'blocked']),
  /** Of the last backend that failed, in the order of the description. */
  signal_backend_failure: failure,
})
export type SignalKeys = Readonly<v.InferOutput<typeof signalFindings>>

export const signalTestKeys = v.object({
  ...signalFindings.entries,
  x_sonde_parts: partsOf('contacts', 'chat', 'calls', 'storage'),
})

/** @param service - In a laboratory with other endpoints. */
export function signalKeys(seen: Observations, lab: boolean, service: Service = signalService): SignalKeys {
  const failed = outcomesOf(seen, service, lab).filter(
    ([group, { status }]) => group.informational !== true && status !== 'reached',
  )
  const last = failed.at(-1)?.[1]
  return {
    signal_backend_status: last === undefined ? 'ok' : 'blocked',
    signal_backend_failure: last?.failures[0]?.failure ?? null,
  }
}

/** The parts are `contacts`, `chat`, `calls` and `storage`. */
export function judgeSignal(
  seen: Observations,
  circumstances: Circumstances,
  service: Service = signalService,
): ServiceConclusion {
  return judgeService(seen, service, circumstances, signalName)
}
