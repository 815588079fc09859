// Every nettest there is, once. Test lists, schemas, the table in README.md, the golden samples and what the agent can
// measure are read from here.

import { dnscheck } from './dnscheck.ts'
import { facebookMessenger } from './facebook-messenger.ts'
import { headerFieldManipulation } from './http-header-field-manipulation.ts'
import { invalidRequestLine } from './http-invalid-request-line.ts'
import { linkCheck } from './link-check.ts'
import type { NettestSpec } from './nettest-spec.ts'
import { quicping } from './quicping.ts'
import { serviceReachability } from './service-reachability.ts'
import { signal } from './signal.ts'
import { sniBlocking } from './sni-blocking.ts'
import { stunReachability } from './stunreachability.ts'
import { telegram } from './telegram.ts'
import { tor } from './tor.ts'
import { webConnectivity } from './web-connectivity.ts'
import { whatsapp } from './whatsapp.ts'

export const allNettests = [
  webConnectivity,
  serviceReachability,
  whatsapp,
  telegram,
  signal,
  facebookMessenger,
  stunReachability,
  dnscheck,
  sniBlocking,
  quicping,
  tor,
  invalidRequestLine,
  headerFieldManipulation,
  linkCheck,
] as const satisfies readonly NettestSpec[]

/** Those that a test list can ask for. */
export type ListedNettest = Exclude<(typeof allNettests)[number], { readonly input: null }>

/** @returns undefined for a name that is none, as in data of a newer probe. */
export function nettestNamed(name: string): NettestSpec | undefined {
  return allNettests.find((each) => each.name === name)
}
