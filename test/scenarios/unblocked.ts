// Networks, sites and devices that have troubles of their own. None of these may ever come out as an anomaly.

import type { Step } from '../../tests-spec/nettests/verdict.ts'
import { labList } from '../lab/list.ts'
import type { LastPacket } from '../lab/policy.ts'
import { controlNames, deadHelperUrl } from '../lab/topology.ts'
import { clearTextPage, page, type Scenario, site } from './scenario.ts'

const quarterCenturySeconds = 25 * 365 * 86_400

const plain = (name: string, input: string, expect: Scenario['expect']): Scenario => ({
  name,
  input,
  rules: [],
  expect,
})
const reached = { verdict: 'ok', step: null } as const
const notReached = (rule: string, step: Scenario['expect']['step']): Scenario['expect'] => ({
  verdict: 'undetermined',
  rule,
  ...(step !== undefined && { step }),
})
const withoutHelper = { list: { helpers: [deadHelperUrl] } }
/** The lab's controls, of which the first `count` have died. */
const deadControls = (count: number) => ({
  list: {
    controls: labList.controls.map((control, index) =>
      index < count ? { ...control, url: `http://refusing.example/${index}` } : control,
    ),
  },
})
const lossy = (percent: number, input: string): Scenario => ({
  name: `${percent} % of packets are lost each way, ${new URL(input).protocol.slice(0, -1)}`,
  input,
  rules: [{ kind: 'loss', percent }],
  expect: { verdict: ['ok', 'undetermined', 'link_down'] },
})

const dying = (name: string, input: string, packet: LastPacket, step: Step): Scenario => ({
  name,
  input,
  rules: [{ kind: 'blackout', from: { site: new URL(input).hostname, packet } }],
  expect: { verdict: 'link_down', rule: 'link_down', step },
})

/** Sites that nobody anywhere can read. */
const troubled: readonly (readonly [name: string, input: string, step: Step])[] = [
  ['the site refuses', 'https://refusing.example/', 'connect'],
  ['the site is silent', 'https://silent.example/', 'connect'],
  ['the site resets every handshake', 'https://resetting.example/', 'tls_handshake'],
  ['the site closes in every handshake', 'https://closing.example/', 'tls_handshake'],
  ["the site's certificate is for another name", 'https://misnamed.example/', 'tls_handshake'],
  ["the site's certificate is of no known authority", 'https://self-made.example/', 'tls_handshake'],
  ['the site resets every request', 'http://resetting.example/', 'http_round_trip'],
]

export const unblockedScenarios: readonly Scenario[] = [
  plain('nothing is wrong, over TLS', page, { ...reached, rule: 'https_response' }),
  plain('nothing is wrong, in clear text', clearTextPage, { ...reached, rule: 'same_page_outside' }),
  plain('a redirect', 'http://short.example/', { ...reached, rule: 'https_response' }),
  plain('the name is gone', 'https://gone.example/', notReached('fails_outside_too', 'resolve')),
  plain(
    "the site's certificate has expired",
    'https://expired.example/',
    notReached('certificate_date', 'tls_handshake'),
  ),
  // The resolver of the list does not have it otherwise, nor does the helper.
  plain(
    'the zone of the site holds loopback',
    'https://bogon.example/',
    notReached('fails_outside_too', 'resolve'),
  ),
  {
    ...plain(
      'the helper is down, and the zone of the site holds loopback',
      'https://bogon.example/',
      notReached('no_outside_view', 'resolve'),
    ),
    ...withoutHelper,
  },
  ...troubled.map(([name, input, step]) => plain(name, input, notReached('fails_outside_too', step))),
  ...troubled.map(([name, input, step]) => ({
    ...plain(`the helper is down, and ${name}`, input, notReached('no_outside_view', step)),
    ...withoutHelper,
  })),
  { ...plain('the helper is down, over TLS', page, reached), ...withoutHelper },
  {
    ...plain('the helper is down, in clear text', clearTextPage, notReached('cleartext_response', undefined)),
    ...withoutHelper,
  },
  { ...plain('every control is down', page, reached), ...deadControls(controlNames.length) },
  {
    ...plain('every control is down, and the site refuses', 'https://refusing.example/', {
      verdict: 'link_down',
      rule: 'link_down',
    }),
    ...deadControls(controlNames.length),
  },
  {
    ...plain(
      'two controls are down, and the site is silent',
      'https://silent.example/',
      // A helper finds both of them dead as well, and the site too.
      notReached('fails_outside_too', 'connect'),
    ),
    ...deadControls(2),
  },
  {
    ...plain(
      'one control is down, and the site refuses',
      'https://refusing.example/',
      notReached('fails_outside_too', 'connect'),
    ),
    ...deadControls(1),
  },
  {
    name: 'the link is dead, over TLS',
    input: page,
    rules: [{ kind: 'blackout' }],
    expect: { verdict: 'link_down', rule: 'link_down' },
  },
  {
    name: 'the link is dead, in clear text',
    input: clearTextPage,
    rules: [{ kind: 'blackout' }],
    expect: { verdict: 'link_down', rule: 'link_down' },
  },
  {
    name: "the provider's resolver is dead, for every name",
    input: page,
    rules: [{ kind: 'resolver', answer: 'silence' }],
    expect: { verdict: ['undetermined', 'link_down'] },
  },
  {
    name: 'one question to the resolver is lost',
    input: page,
    rules: [{ kind: 'resolver', name: site, answer: 'silence' }],
    // glibc asks again after five seconds.
    later: [{ afterMs: 3_000, rules: [] }],
    expect: { verdict: ['ok', 'undetermined'] },
  },
  {
    name: "the provider's resolver says NXDOMAIN to every name",
    input: page,
    rules: [{ kind: 'resolver', answer: 'nxdomain' }],
    expect: { verdict: ['undetermined', 'link_down'] },
  },
  {
    name: 'a captive portal is the answer to every name',
    input: page,
    rules: [{ kind: 'resolver', answer: { address: 'notice.example' } }, { kind: 'resolver_hijack' }],
    expect: { verdict: 'link_down', rule: 'link_down' },
  },
  dying('the link dies in the middle of a measurement', 'https://silent.example/', 'syn', 'connect'),
  // Takes connections, and says nothing.
  dying('the link dies in the middle of a handshake', 'https://e1.whatsapp.net/', 'request', 'tls_handshake'),
  dying('the link dies while a page comes in', 'http://long.example/', 'page', 'http_round_trip'),
  {
    name: 'the link is gone for half a minute',
    input: page,
    rules: [{ kind: 'blackout' }],
    later: [{ afterMs: 30_000, rules: [] }],
    expect: { verdict: ['ok', 'undetermined', 'link_down'] },
  },
  ...[5, 20, 40].flatMap((percent) => [lossy(percent, page), lossy(percent, clearTextPage)]),
  {
    name: 'a CDN answers with a nearer address, over TLS',
    input: page,
    rules: [{ kind: 'resolver', name: site, answer: { address: 'edge.news.example' } }],
    expect: reached,
  },
  {
    name: 'a CDN answers with a nearer address, in clear text',
    input: clearTextPage,
    rules: [{ kind: 'resolver', name: site, answer: { address: 'edge.news.example' } }],
    expect: { ...reached, rule: 'same_page_outside' },
  },
  plain('the site asks this country for a captcha, over TLS', 'https://captcha.example/', reached),
  plain(
    'the site asks this country for a captcha, in clear text',
    'http://captcha.example/',
    notReached('page_differs', 'http_round_trip'),
  ),
  plain(
    'the site asks this country for a captcha, from a server with a name of its own',
    'http://edge-captcha.example/',
    notReached('page_differs', 'http_round_trip'),
  ),
  ...([1, -1] as const).flatMap((direction): Scenario[] => {
    const clockAheadSeconds = direction * quarterCenturySeconds
    const where = direction > 0 ? 'ahead' : 'behind'
    return [
      {
        ...plain(`the clock is far ${where}`, page, notReached('local_clock', 'tls_handshake')),
        clockAheadSeconds,
        clockSynced: false,
      },
      {
        ...plain(
          `the clock is far ${where}, and the system calls it right`,
          page,
          // A time before this program was built is wrong, whoever set it.
          notReached(direction > 0 ? 'certificate_date' : 'local_clock', 'tls_handshake'),
        ),
        clockAheadSeconds,
      },
      // In clear text nothing hangs on the time.
      {
        ...plain(`the clock is far ${where}, in clear text`, clearTextPage, reached),
        clockAheadSeconds,
        clockSynced: false,
      },
    ]
  }),
]
