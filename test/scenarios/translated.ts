// A link without IPv4: its resolver makes addresses of IPv6 for what has none, and a translator takes packets on (NAT64 with DNS64).
// What cannot be reached from such a link at all is the link's, and nobody's interference.

import { namedHelperUrl } from '../lab/topology.ts'
import { lasting, page, type Scenario } from './scenario.ts'

const four = 'https://four.example/'
/** A helper that is named can be reached, one by its address of IPv4 cannot. */
const onlyIpv6 = { isp: 'm' as const, onlyIpv6: true as const, list: { helpers: [namedHelperUrl] } }

export const translatedScenarios: readonly Scenario[] = [
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and the address behind the translator is dropped',
    input: four,
    rules: [{ kind: 'address', site: 'four.example', action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', rule: 'connect_fails_only_here', step: 'connect' },
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and the server name is reset behind the translator',
    input: four,
    rules: [{ kind: 'server_name', name: 'four.example', action: 'reset' }],
    expect: { verdict: 'anomaly', step: 'tls_handshake' },
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and a home address is forged into the prefix of the translator',
    input: four,
    rules: [{ kind: 'resolver', name: 'four.example', answer: { address: '10.10.34.34' } }],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', step: 'resolve' },
  },
]

const noWay = { verdict: 'undetermined' } as const

export const translatedUnblocked: readonly Scenario[] = [
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and a site that has IPv4 alone',
    input: four,
    rules: [],
    expect: { verdict: 'ok', rule: 'https_response' },
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and a site that has IPv4 alone, in clear text',
    input: 'http://four.example/',
    rules: [],
    expect: { verdict: 'ok', rule: 'same_page_outside' },
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and a site that has both',
    input: page,
    rules: [],
    expect: { verdict: 'ok' },
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and a site behind the translator that is silent for everybody',
    input: 'https://quiet-four.example/',
    rules: [],
    repeatAfterSeconds: lasting,
    expect: { ...noWay, rule: 'fails_outside_too' },
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and IPv4 by its digits',
    input: `https://22.1.0.28/`,
    rules: [],
    repeatAfterSeconds: lasting,
    expect: noWay,
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and Telegram, which applications know by its digits',
    input: null,
    list: { ...onlyIpv6.list, entries: [{ nettest: 'telegram', input: null, category_code: 'COMT' }] },
    rules: [],
    repeatAfterSeconds: lasting,
    expect: { ...noWay, parts: { web: 'ok' } },
  },
  {
    ...onlyIpv6,
    name: 'a link without IPv4, and a helper that has nothing else',
    input: 'https://quiet-four.example/',
    list: {},
    rules: [],
    repeatAfterSeconds: lasting,
    expect: { ...noWay, rule: 'no_outside_view' },
  },
]
