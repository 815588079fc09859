// Interference with requests and pages in clear text.

import type { Box, Rule } from '../lab/policy.ts'
import { clearTextPage, everyWay, lasting, onOneAndBoth, page, type Scenario, site } from './scenario.ts'

const onHeader = (
  action: (Rule & { kind: 'host_header' })['action'],
  rule: string,
  failure: string,
): Scenario => ({
  name: `the Host header: ${action}`,
  input: clearTextPage,
  rules: [{ kind: 'host_header', name: site, action }],
  expect: {
    verdict: 'anomaly',
    rule,
    step: 'http_round_trip',
    failures: { resolve: null, connect: null, http_round_trip: failure },
  },
})

const foreign = (name: string, box: Box): Scenario => ({
  name,
  input: clearTextPage,
  rules: [{ kind: 'box', site, box }],
  expect: {
    verdict: 'anomaly',
    rule: 'foreign_page',
    step: 'http_round_trip',
    failures: { resolve: null, connect: null, http_round_trip: null },
  },
})

const mechanisms: readonly Scenario[] = [
  onHeader('reset', 'http_round_trip_interfered', 'connection_reset'),
  onHeader('forged_reset', 'http_round_trip_interfered', 'connection_reset'),
  {
    ...onHeader('drop', 'http_round_trip_fails_only_here', 'generic_timeout_error'),
    repeatAfterSeconds: lasting,
  },
  foreign('a block page', 'block_page'),
  foreign("a block page with the site's status", 'polite_block_page'),
  foreign("a redirect to the regulator's page, which has a good certificate", 'redirect_to_notice'),
  foreign('a redirect into the home network', 'redirect_home'),
  {
    name: 'a block page at a forged address',
    input: clearTextPage,
    rules: [{ kind: 'resolver', name: site, answer: { address: 'notice.example' } }],
    expect: { verdict: 'anomaly', rule: 'foreign_page', step: 'http_round_trip' },
  },
]

export const pageScenarios: readonly Scenario[] = mechanisms.flatMap(everyWay)

/** Somebody answers for everyone: the link's trouble, and no site's. */
const portals: readonly (readonly [string, Rule])[] = [
  ['a captive portal', { kind: 'captive_portal' }],
  ['a bundle that is used up', { kind: 'bundle_exhausted' }],
]
export const portalScenarios: readonly Scenario[] = portals
  .flatMap(([name, rule]) =>
    [clearTextPage, page].map(
      (input): Scenario => ({
        name: `${name}, seen by ${new URL(input).protocol.slice(0, -1)}`,
        input,
        rules: [rule],
        expect: { verdict: 'link_down', rule: 'link_down' },
      }),
    ),
  )
  .flatMap(onOneAndBoth)
