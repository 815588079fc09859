// Servers that are not as the standards have them, or are slow or rude for everybody: nobody's interference. Blocked, they are as any
// other.

import { lasting, type Scenario } from './scenario.ts'

const over = (scheme: 'http' | 'https', kind: string) => `${scheme}://${kind}.example/`
const reached = { verdict: 'ok', step: null } as const

export const oddServersUnblocked: readonly Scenario[] = [
  {
    name: "a site without its issuer's certificate",
    input: over('https', 'half-chain'),
    rules: [],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'undetermined', rule: 'fails_outside_too', step: 'tls_handshake' },
  },
  {
    name: 'a site that closes when it is asked for a head alone',
    input: over('https', 'bad-head'),
    rules: [],
    expect: reached,
  },
  // A probe under Node.js 20 does not speak it, and says so.
  {
    name: 'a site that speaks HTTP/2 and nothing else',
    input: over('https', 'http2-only'),
    rules: [],
    repeatAfterSeconds: lasting,
    expect: { verdict: ['ok', 'undetermined'] },
  },
  ...(['https', 'http'] as const).flatMap((scheme): Scenario[] => [
    {
      name: `a site that ends its lines with LF alone, ${scheme}`,
      input: over(scheme, 'bare-lf'),
      rules: [],
      expect: reached,
    },
    {
      name: `a site that takes twelve seconds for everybody, ${scheme}`,
      input: over(scheme, 'slow'),
      rules: [],
      expect: reached,
    },
    {
      name: `a site that cuts one connection, ${scheme}`,
      input: over(scheme, 'cuts-once'),
      rules: [],
      expect: { verdict: ['ok', 'undetermined'] },
    },
  ]),
]

const name = (kind: string): Scenario['rules'] => [
  { kind: 'server_name', name: `${kind}.example`, action: 'reset' },
]

export const oddServerScenarios: readonly Scenario[] = [
  // A limit: nobody verifies this site, so that its handshake fails at a helper too, if in another way.
  {
    name: 'a site of the odd kind half-chain, whose name is reset',
    input: over('https', 'half-chain'),
    rules: name('half-chain'),
    expect: { verdict: ['anomaly', 'undetermined'], step: 'tls_handshake' },
  },
  ...['bad-head', 'http2-only', 'slow'].map(
    (kind): Scenario => ({
      name: `a site of the odd kind ${kind}, whose name is reset`,
      input: over('https', kind),
      rules: name(kind),
      expect: { verdict: 'anomaly', step: 'tls_handshake' },
    }),
  ),
  {
    name: 'a site that takes twelve seconds for everybody, and is dropped',
    input: over('https', 'slow'),
    rules: [{ kind: 'address', site: 'slow.example', action: 'drop' }],
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', rule: 'connect_fails_only_here', step: 'connect' },
  },
  ...['bare-lf', 'slow', 'bad-head'].map(
    (kind): Scenario => ({
      name: `a site of the odd kind ${kind}, and a block page in its place`,
      input: over('http', kind),
      rules: [{ kind: 'box', site: `${kind}.example`, box: 'block_page' }],
      expect: { verdict: 'anomaly', rule: 'foreign_page', step: 'http_round_trip' },
    }),
  ),
]
