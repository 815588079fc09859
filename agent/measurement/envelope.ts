// From what a nettest saw to the document that is kept: OONI's envelope, the verdict, and nothing that identifies the
// probe. tests-spec/data-formats/measurement.md is the page. Pure.

import type { Measurement, RecordTime, SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { nettestNamed } from '../../tests-spec/nettests/all-nettests.ts'
import { maxKeptBodyChars } from '../../tests-spec/nettests/nettest-spec.ts'
import type { LinkState, Verdict } from '../../tests-spec/nettests/verdict.ts'
import { scrubNetworkText, scrubOwnAddresses } from './scrub.ts'

/** What is the same for every measurement of this probe. */
export interface Vantage {
  readonly softwareName: string
  readonly softwareVersion: string
  readonly probeCc: string
  readonly probeAsn: string
  readonly probeNetworkName: string
  /** Whom the system asks, when that is a public address; null when it is not known. */
  readonly resolverIp?: string | null
  /** Node's version and roots, platform and architecture: what may explain a difference between probes. */
  readonly annotations: Readonly<Record<string, string>>
  /** Addresses of this machine, to be taken out of everything. */
  readonly ownAddresses: readonly string[]
}

/** A measurement that is over and judged, before it is written down as a document. */
export interface FinishedMeasurement {
  readonly name: string
  readonly version: string
  readonly input: string | null
  readonly observations: Observations
  readonly bytes: { readonly sent: number; readonly received: number }
  /** The nettest's own test_keys. */
  readonly keys: Readonly<Record<string, unknown>>
  readonly verdict: Verdict
  readonly parts: Readonly<Record<string, Verdict>> | null
  readonly link: LinkState
  /** Wall clock, milliseconds since 1970, of the cycle it belongs to and of its own beginning. */
  readonly cycleStartedMs: number
  readonly startedMs: number
  readonly runtimeSeconds: number
  /** The same beginning as its record says it. */
  readonly began: RecordTime
  /** Monotonic, when the last of its operations ended; milliseconds. */
  readonly endedMs: number
  /** A question about its failure was left out, since the cycle had asked as often as it may. */
  readonly isUnasked?: true
}

/** Where in the boot it lies is said beside the document, not in it. */
type Documented = Omit<FinishedMeasurement, 'began' | 'endedMs'>

export function toMeasurement(finished: Documented, vantage: Vantage): Measurement {
  const seen = withoutBodies(finished.name, scrubNetworkText(finished.observations, vantage.ownAddresses))
  const measurement: Measurement = {
    annotations: { ...vantage.annotations },
    data_format_version: '0.2.0',
    // Versions of OONI's archival formats that the test_keys follow.
    extensions: { dnst: 0, httpt: 0, netevents: 0, tcpconnect: 0, tlshandshake: 0 },
    input: finished.input,
    measurement_start_time: ooniTime(finished.startedMs),
    probe_asn: vantage.probeAsn,
    probe_cc: vantage.probeCc,
    probe_ip: '127.0.0.1',
    probe_network_name: vantage.probeNetworkName,
    // OONI's values for "not looked up".
    resolver_asn: 'AS0',
    resolver_ip: vantage.resolverIp ?? '127.0.0.2',
    resolver_network_name: '',
    software_name: vantage.softwareName,
    software_version: vantage.softwareVersion,
    test_keys: {
      ...seen,
      ...finished.keys,
      x_sonde_verdict: finished.verdict,
      ...(finished.parts === null ? {} : { x_sonde_parts: { ...finished.parts } }),
      x_sonde_link: finished.link,
      x_sonde_bytes_sent: finished.bytes.sent,
      x_sonde_bytes_received: finished.bytes.received,
    },
    test_name: finished.name,
    test_runtime: finished.runtimeSeconds,
    test_start_time: ooniTime(finished.cycleStartedMs),
    test_version: finished.version,
  }
  return scrubOwnAddresses(measurement, vantage.ownAddresses)
}

/**
 * What is kept longest and sent first: anomalies, checks that found the link wanting, and what changed, also for the
 * better: when a block ended is worth as much as when it began. A target that failed because the link was down is
 * routine: in a blackout there would be thousands, and the check says it once.
 *
 * @param changed - Whether the target's last state was another, or it has none yet.
 */
export function recordClass(name: string, { verdict }: Verdict, changed: boolean): SpoolEntry['class'] {
  const found = nettestNamed(name)?.subject === 'link' ? verdict !== 'ok' : verdict === 'anomaly'
  return found || changed ? 'anomaly' : 'routine'
}

/** No body by default: length, digest and title tell pages apart, and what people read stays out of the data. */
function withoutBodies(nettest: string, seen: Observations): Observations {
  const keepsBody = nettestNamed(nettest)?.keepsBody === true
  const isKept = (body: unknown) => keepsBody && typeof body === 'string' && body.length <= maxKeptBodyChars
  const emptied = (request: HttpRequest): HttpRequest => {
    const { response } = request
    return isKept(response.body) ? request : { ...request, response: { ...response, body: '' } }
  }
  return { ...seen, requests: seen.requests.map(emptied) }
}

/** `YYYY-MM-DD HH:MM:SS`, UTC. A clock before 1970 or past 9999 is written as the nearest that can be. */
function ooniTime(wallMs: number): string {
  const bounded = Math.min(Math.max(0, wallMs), 253_402_300_799_000)
  return new Date(bounded).toISOString().slice(0, 19).replace('T', ' ')
}
