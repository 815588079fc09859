// Which nettest stands behind each name that a test list may use. Made for one list, whose descriptions of services
// `service_reachability` looks up.

import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import { dnscheck } from './dnscheck.ts'
import { facebookMessenger } from './facebook-messenger.ts'
import { headerFieldManipulation } from './http-header-field-manipulation.ts'
import { invalidRequestLine } from './http-invalid-request-line.ts'
import type { Nettest } from './nettest.ts'
import { quicping } from './quicping.ts'
import { serviceReachability } from './service-reachability.ts'
import { signal } from './signal.ts'
import { sniBlocking } from './sni-blocking.ts'
import { stunReachability } from './stunreachability.ts'
import { telegram } from './telegram.ts'
import { tor } from './tor.ts'
import { webConnectivity } from './web-connectivity.ts'
import { whatsapp } from './whatsapp.ts'

export type Registry = Readonly<Record<TestListEntry['nettest'], Nettest>>

/** @param services - As the list describes them. */
export function registryOf(services: readonly Service[]): Registry {
  return {
    web_connectivity: webConnectivity,
    service_reachability: serviceReachability((name) => services.find((service) => service.name === name)),
    whatsapp,
    telegram,
    signal,
    facebook_messenger: facebookMessenger,
    stunreachability: stunReachability,
    dnscheck,
    sni_blocking: sniBlocking,
    quicping,
    tor,
    http_invalid_request_line: invalidRequestLine,
    http_header_field_manipulation: headerFieldManipulation,
  }
}
