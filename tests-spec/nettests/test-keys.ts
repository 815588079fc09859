// What stands in the test_keys of a measurement, by its nettest: the keys that every measurement has (measurement.ts),
// and those that the page of the nettest names, whose schema stands beside its rules. For whoever reads data; the probe
// and the rules have the types.

import * as v from 'valibot'
import { testKeys } from '../data-formats/measurement.ts'
import { dnscheckName, dnscheckTestKeys } from './dnscheck.ts'
import { facebookMessengerName, facebookMessengerTestKeys } from './facebook-messenger.ts'
import { headerFieldName, headerFieldTestKeys } from './http-header-field-manipulation.ts'
import { invalidRequestLineName, invalidRequestLineTestKeys } from './http-invalid-request-line.ts'
import { linkCheckName, linkCheckTestKeys } from './link-check.ts'
import { quicpingName, quicpingTestKeys } from './quicping.ts'
import { serviceReachabilityName, serviceTestKeys } from './service-reachability.ts'
import { signalName, signalTestKeys } from './signal.ts'
import { sniBlockingName, sniBlockingTestKeys } from './sni-blocking.ts'
import { stunReachabilityName, stunReachabilityTestKeys } from './stunreachability.ts'
import { telegramName, telegramTestKeys } from './telegram.ts'
import { torName, torTestKeys } from './tor.ts'
import { webConnectivityName, webConnectivityTestKeys } from './web-connectivity.ts'
import { whatsappName, whatsappTestKeys } from './whatsapp.ts'

type Entries = Readonly<Record<string, v.GenericSchema>>

/** By `test_name`, the keys that only this nettest has, or has in a form of its own. */
export const ownTestKeys: Readonly<Record<string, Entries>> = {
  [dnscheckName]: dnscheckTestKeys.entries,
  [facebookMessengerName]: facebookMessengerTestKeys.entries,
  [headerFieldName]: headerFieldTestKeys.entries,
  [invalidRequestLineName]: invalidRequestLineTestKeys.entries,
  [linkCheckName]: linkCheckTestKeys.entries,
  [quicpingName]: quicpingTestKeys.entries,
  [serviceReachabilityName]: serviceTestKeys.entries,
  [signalName]: signalTestKeys.entries,
  [sniBlockingName]: sniBlockingTestKeys.entries,
  [stunReachabilityName]: stunReachabilityTestKeys.entries,
  [telegramName]: telegramTestKeys.entries,
  [torName]: torTestKeys.entries,
  [webConnectivityName]: webConnectivityTestKeys.entries,
  [whatsappName]: whatsappTestKeys.entries,
}

/** By `test_name`. Keys that are named nowhere are let through: a newer probe may have more. */
export const testKeysOf: Readonly<Record<string, v.GenericSchema>> = Object.fromEntries(
  Object.entries(ownTestKeys).map(([name, own]) => [name, v.looseObject({ ...testKeys.entries, ...own })]),
)
