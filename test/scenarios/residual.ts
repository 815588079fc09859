// Residual blocking: once a name has set a box off, nothing passes between that device and that address for a minute, whatever the
// name. The name's own verdict must outlast that, and what shares its address must not pay for it.

import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { labList } from '../lab/list.ts'
import { lasting, page, type Scenario, site } from './scenario.ts'

const neighbour = 'https://neighbour.example/'
const elsewhere = 'https://twitter.com/'
const listOf = (...inputs: readonly string[]) => ({
  entries: parseTestList({
    ...labList,
    entries: inputs.map((input) => ({ nettest: 'web_connectivity', input, category_code: 'NEWS' })),
  }).entries,
})
const set = { verdict: 'anomaly', rule: 'server_name_interfered', step: 'tls_handshake' } as const

export const residualScenarios: readonly Scenario[] = [
  {
    name: 'a name that sets a box off for a minute',
    input: page,
    rules: [{ kind: 'residual', name: site }],
    repeatAfterSeconds: lasting,
    // The repeat meets silence in the connect, and is the second failure.
    expect: { verdict: 'anomaly' },
  },
  {
    name: 'a name that sets a box off for a minute, and another one at its address',
    isLong: true,
    input: null,
    list: listOf(page, neighbour),
    rules: [{ kind: 'residual', name: site }],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly' },
    others: { [neighbour]: { isInnocent: true, expect: { verdict: ['ok', 'undetermined'] } } },
  },
  {
    name: 'a name that sets a box off for a minute, and another address that is dropped',
    input: null,
    list: listOf(page, elsewhere),
    rules: [
      { kind: 'residual', name: site },
      { kind: 'address', site: 'twitter.com', action: 'drop' },
    ],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly' },
    others: {
      [elsewhere]: {
        isInnocent: false,
        expect: { verdict: 'anomaly', rule: 'connect_fails_only_here', step: 'connect' },
      },
    },
  },
  {
    name: 'two names at one address, and each is reset by itself',
    input: null,
    list: listOf(page, neighbour),
    rules: [site, 'neighbour.example'].map((name) => ({ kind: 'server_name', name, action: 'reset' })),
    repeatAfterSeconds: lasting,
    expect: set,
    others: { [neighbour]: { isInnocent: false, expect: set } },
  },
]
