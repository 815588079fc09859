// Interference with the resolution of names.

import type { DnsAnswer } from '../lab/policy.ts'
import { everyWay, lasting, page, type Scenario, site } from './scenario.ts'

/** The provider's resolver lies about the site; public resolvers are left alone. */
const lies = (name: string, answer: DnsAnswer, expect: Partial<Scenario['expect']>): Scenario => ({
  name,
  input: page,
  rules: [{ kind: 'resolver', name: site, answer }],
  expect: { verdict: 'anomaly', ...expect },
})
const disagree = { rule: 'resolvers_disagree', step: 'resolve' } as const

const mechanisms: readonly Scenario[] = [
  lies('the resolver says NXDOMAIN', 'nxdomain', {
    ...disagree,
    failures: { resolve: 'dns_nxdomain_error' },
  }),
  // getaddrinfo has one word for both, and for no answer at all.
  ...(['servfail', 'refused'] as const).map(
    (answer): Scenario => ({
      ...lies(`the resolver says ${answer.toUpperCase()}`, answer, {
        ...disagree,
        failures: { resolve: 'dns_server_misbehaving' },
      }),
      repeatAfterSeconds: lasting,
    }),
  ),
  lies('the resolver says that there is no address', 'empty', {
    ...disagree,
    failures: { resolve: 'dns_no_answer' },
  }),
  {
    ...lies('the resolver is silent about one name', 'silence', {
      ...disagree,
      failures: { resolve: 'generic_timeout_error' },
    }),
    repeatAfterSeconds: lasting,
  },
  lies('the resolver gives loopback', { address: '127.0.0.1' }, { ...disagree, failures: { resolve: null } }),
  lies(
    'the resolver gives a private address',
    { address: '10.10.34.34' },
    { ...disagree, failures: { resolve: null } },
  ),
  lies(
    'the resolver gives the address of a block page',
    { address: 'notice.example' },
    { failures: { resolve: null, connect: null, tls_handshake: 'ssl_unknown_authority' } },
  ),
  // The helper finds nobody there either, which says nothing of the site: it shows at another resolver's address.
  {
    ...lies(
      'the resolver gives an address at which nobody is',
      { address: 'nowhere.example' },
      {
        rule: 'resolvers_disagree',
        step: 'connect',
        failures: { resolve: null, connect: 'connection_refused' },
      },
    ),
    repeatAfterSeconds: lasting,
  },
  {
    name: 'the resolver says NXDOMAIN, and public resolvers are hijacked',
    input: page,
    rules: [{ kind: 'resolver', name: site, answer: 'nxdomain' }, { kind: 'resolver_hijack' }],
    // The helper is another resolver, too.
    expect: {
      verdict: 'anomaly',
      ...disagree,
      failures: { resolve: 'dns_nxdomain_error' },
    },
  },
  {
    name: 'the resolver gives the address of a block page, and public resolvers are hijacked',
    input: page,
    rules: [
      { kind: 'resolver', name: site, answer: { address: 'notice.example' } },
      { kind: 'resolver_hijack' },
    ],
    expect: {
      verdict: 'anomaly',
      failures: { resolve: null, tls_handshake: 'ssl_unknown_authority' },
    },
  },
  {
    name: 'a forged answer arrives before the true one',
    input: page,
    rules: [{ kind: 'dns_injection', name: site, address: 'notice.example' }],
    expect: {
      verdict: 'anomaly',
      failures: { resolve: null, tls_handshake: 'ssl_unknown_authority' },
    },
  },
  {
    name: 'a forged answer with a private address arrives before the true one',
    input: page,
    rules: [{ kind: 'dns_injection', name: site, address: '10.10.34.34' }],
    expect: { verdict: 'anomaly', step: 'resolve', failures: { resolve: null } },
  },
]

export const dnsScenarios: readonly Scenario[] = [
  ...mechanisms.flatMap(everyWay),
  {
    name: 'a forged answer arrives before the true one, and is placed at its hop',
    // The lab's forger does not get past the other one's translator to answer for a resolver outside.
    isp: 'm',
    input: page,
    rules: [{ kind: 'dns_injection', name: site, address: '10.10.34.34' }],
    expect: { verdict: 'anomaly', step: 'resolve', forgedNearer: true },
  },
]
