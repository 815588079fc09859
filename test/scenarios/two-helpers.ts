// Several helpers, of which the first is dead, has a censor of its own, or lies: one is no judge over what the probe saw.

import { censoredHelperUrl, deadHelperUrl, helperUrl, lyingHelperUrl } from '../lab/topology.ts'
import { lasting, page, type Scenario, site } from './scenario.ts'

const disputed = 'disputed.example'
const disputedPage = `https://${disputed}/`
const helpers = (...urls: readonly string[]) => ({ abroad: true as const, list: { helpers: [...urls] } })
const first = {
  dead: helpers(deadHelperUrl, helperUrl),
  censored: helpers(censoredHelperUrl, helperUrl),
  liar: helpers(lyingHelperUrl, helperUrl),
}
const dropped = { verdict: 'anomaly', rule: 'connect_fails_only_here', step: 'connect' } as const

export const twoHelperScenarios: readonly Scenario[] = [
  {
    ...first.dead,
    name: 'the address: drop, and the first helper is dead',
    input: page,
    rules: [{ kind: 'address', site, action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: dropped,
  },
  {
    ...first.censored,
    name: 'the address: drop, and the first helper is censored as well',
    input: disputedPage,
    rules: [{ kind: 'address', site: disputed, action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: dropped,
  },
  {
    ...first.censored,
    name: 'the server name: reset, and the first helper is censored as well',
    input: disputedPage,
    rules: [{ kind: 'server_name', name: disputed, action: 'reset' }],
    expect: { verdict: 'anomaly', step: 'tls_handshake' },
  },
  {
    ...first.liar,
    name: 'the address: drop, and the first helper says that it fails there too',
    input: page,
    rules: [{ kind: 'address', site, action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: dropped,
  },
  {
    ...first.liar,
    name: 'a block page, and the first helper says that there is no page',
    input: `http://${site}/`,
    rules: [{ kind: 'box', site, box: 'block_page' }],
    expect: { verdict: 'anomaly', rule: 'foreign_page', step: 'http_round_trip' },
  },
]

const fails = { verdict: 'undetermined', rule: 'fails_outside_too' } as const

export const twoHelpersUnblocked: readonly Scenario[] = [
  {
    ...first.censored,
    name: 'nothing is wrong in clear text, and the first helper does not reach it',
    input: `http://${disputed}/`,
    rules: [],
    expect: { verdict: 'ok', rule: 'same_page_outside' },
  },
  // Two helpers that got two pages: there may be one for each place.
  {
    ...first.liar,
    name: 'nothing is wrong in clear text, and the first helper shows another page',
    input: `http://${disputed}/`,
    rules: [],
    expect: { verdict: 'undetermined', rule: 'page_differs' },
  },
  ...Object.entries(first).flatMap(([kind, it]): Scenario[] => [
    {
      ...it,
      name: `nothing is wrong, and the first helper: ${kind}`,
      input: disputedPage,
      rules: [],
      expect: { verdict: 'ok' },
    },
    {
      ...it,
      name: `nothing is wrong in clear text, and the first helper: ${kind}`,
      input: `http://${site}/`,
      rules: [],
      expect: { verdict: 'ok', rule: 'same_page_outside' },
    },
    {
      ...it,
      name: `the site is silent for everybody, and the first helper: ${kind}`,
      input: 'https://silent.example/',
      rules: [],
      repeatAfterSeconds: lasting,
      expect: kind === 'liar' ? { verdict: 'undetermined' } : fails,
    },
    {
      ...it,
      name: `the site resets every handshake, and the first helper: ${kind}`,
      input: 'https://resetting.example/',
      rules: [],
      repeatAfterSeconds: lasting,
      expect: { verdict: 'undetermined' },
    },
  ]),
]
