// Golden verdicts of web_connectivity with a helper, about cuts: two within a second are one restart of the host, unless another name
// passed between them.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { connect, handshake, join, response } from '../support/observations.ts'
import { again, clear, earlier, followUp, outside, type Row, resolved, silence } from './outside-view.ts'

const requestFor = (host: string, outcome: number | Failure, id: number) =>
  response(outcome, {
    url: `http://${host}/`,
    tags: ['classic', 'depth=0', `followup=${host === 'site.example' ? 'same' : 'neutral'}_request`],
    id,
  })
const failedInClear = (failure: Failure, neutral: number | Failure) =>
  join(
    resolved,
    connect(null),
    clear(failure),
    requestFor('neutral.example', neutral, 40_002),
    requestFor('site.example', failure, 40_003),
  )

export const rows: readonly Row[] = [
  {
    name: 'a request is reset twice at once, and one for a neutral host answered between them at the same address',
    seen: failedInClear('connection_reset', 404),
    outside: outside(),
    verdict: 'anomaly http_round_trip_interfered',
    concluded: ['http-failure', false],
  },
  {
    name: 'a request is reset twice at once, and so is one for a neutral host between them',
    seen: failedInClear('connection_reset', 'connection_reset'),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'a request is silent twice at once, and one for a neutral host answered between them: what stands behind one name may be slow',
    seen: failedInClear(silence, 200),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'reset, then a certificate of nobody known under its own name: that is no pass, and a restart makes both',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', null),
      followUp('same_name', 'ssl_unknown_authority'),
    ),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'reset twice at once behind a clear-text request, fine outside: a host that restarts does so',
    seen: join(resolved, connect(null), clear('connection_reset'), clear('connection_reset', again)),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'reset twice at once behind a clear-text request, fine outside, and again half a minute later',
    seen: join(resolved, connect(null), clear('connection_reset'), clear('connection_reset', again)),
    outside: outside(),
    verdict: 'anomaly http_round_trip_interfered',
    concluded: ['http-failure', false],
    circumstances: earlier('http_round_trip'),
  },
  {
    name: 'reset under every name within a second, fine outside: a host that restarts does so',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'connection_reset'),
      followUp('same_name', 'connection_reset'),
    ),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'reset under every name within a second, fine outside, and again half a minute later',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'connection_reset'),
      followUp('same_name', 'connection_reset'),
    ),
    outside: outside(),
    verdict: 'anomaly tls_handshake_interfered',
    concluded: ['http-failure', false],
    circumstances: earlier('tls_handshake'),
  },
]
