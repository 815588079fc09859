// Which nettest stands behind each name that a test list may use. Made for one list, whose descriptions of services
// `service_reachability` looks up.

import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { facebookMessenger, facebookMessengerService } from '../../tests-spec/nettests/facebook-messenger.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import { signal, signalService } from '../../tests-spec/nettests/signal.ts'
import { telegram, telegramService } from '../../tests-spec/nettests/telegram.ts'
import { whatsapp, whatsappService } from '../../tests-spec/nettests/whatsapp.ts'
import { dnscheck } from './dnscheck.ts'
import { headerFieldManipulation } from './http-header-field-manipulation.ts'
import { invalidRequestLine } from './http-invalid-request-line.ts'
import type { Nettest } from './nettest.ts'
import { quicping } from './quicping.ts'
import { reachabilityOf, serviceReachability } from './service-reachability.ts'
import { sniBlocking } from './sni-blocking.ts'
import { stunReachability } from './stunreachability.ts'
import { tor } from './tor.ts'
import { webConnectivity } from './web-connectivity.ts'

export type Registry = Readonly<Record<TestListEntry['nettest'], Nettest>>

/** @param services - As the list describes them. */
export function registryOf(services: readonly Service[]): Registry {
  return {
    web_connectivity: webConnectivity,
    service_reachability: serviceReachability((name) => services.find((service) => service.name === name)),
    whatsapp: reachabilityOf(whatsappService, whatsapp),
    telegram: reachabilityOf(telegramService, telegram),
    signal: reachabilityOf(signalService, signal),
    facebook_messenger: reachabilityOf(facebookMessengerService, facebookMessenger),
    stunreachability: stunReachability,
    dnscheck,
    sni_blocking: sniBlocking,
    quicping,
    tor,
    http_invalid_request_line: invalidRequestLine,
    http_header_field_manipulation: headerFieldManipulation,
  }
}
