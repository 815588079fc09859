// Interference with requests and pages in clear text.

import { clearTextPage, lasting, page, type Scenario, site } from './scenario.ts'

export const pageScenarios: readonly Scenario[] = [
  {
    name: 'the Host header: reset',
    input: clearTextPage,
    rules: [{ kind: 'host_header', name: site, action: 'reset' }],
    expect: {
      verdict: 'anomaly',
      rule: 'http_round_trip_interfered',
      step: 'http_round_trip',
      failures: { resolve: null, connect: null, http_round_trip: 'connection_reset' },
    },
  },
  {
    name: 'the Host header: drop',
    input: clearTextPage,
    rules: [{ kind: 'host_header', name: site, action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: {
      verdict: 'anomaly',
      rule: 'http_round_trip_fails_only_here',
      step: 'http_round_trip',
      failures: { resolve: null, connect: null, http_round_trip: 'generic_timeout_error' },
    },
  },
  {
    name: 'a block page',
    input: clearTextPage,
    rules: [{ kind: 'box', site, box: 'block_page' }],
    expect: {
      verdict: 'anomaly',
      rule: 'foreign_page',
      step: 'http_round_trip',
      failures: { resolve: null, connect: null, http_round_trip: null },
    },
  },
  {
    name: 'a block page at a forged address',
    input: clearTextPage,
    rules: [{ kind: 'resolver', name: site, answer: { address: 'notice.example' } }],
    expect: { verdict: 'anomaly', rule: 'foreign_page', step: 'http_round_trip' },
  },
  {
    name: 'a captive portal, seen by a page in clear text',
    input: clearTextPage,
    rules: [{ kind: 'captive_portal' }],
    expect: { verdict: 'link_down', rule: 'link_down' },
  },
  {
    name: 'a captive portal, seen by a page over TLS',
    input: page,
    rules: [{ kind: 'captive_portal' }],
    expect: { verdict: 'link_down', rule: 'link_down' },
  },
]
