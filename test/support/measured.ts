// A web_connectivity measurement around given observations, as the agent would have made it.

import { type FinishedMeasurement, toMeasurement } from '../../agent/measurement/envelope.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { webConnectivity } from '../../tests-spec/nettests/web-connectivity.ts'
import { judging } from './judge.ts'
import { link } from './observations.ts'

export function measured(seen: Observations, over: Partial<FinishedMeasurement> = {}): Measurement {
  return toMeasurement(
    {
      name: 'web_connectivity',
      version: '1',
      input: 'https://site.example/',
      observations: seen,
      bytes: { sent: 1, received: 1 },
      keys: {},
      verdict: judging(webConnectivity)(seen).verdict,
      parts: null,
      link: link('up'),
      cycleStartedMs: 0,
      startedMs: 0,
      runtimeSeconds: 1,
      ...over,
    },
    {
      softwareName: 'sonde',
      softwareVersion: '1',
      probeCc: 'ML',
      probeAsn: 'AS30985',
      probeNetworkName: '',
      annotations: {},
      ownAddresses: [],
    },
  )
}
