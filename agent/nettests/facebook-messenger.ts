// The nettest `facebook_messenger`: tests-spec/nettests/facebook-messenger.md. A described service with OONI's keys.

import {
  facebookMessengerKeys,
  facebookMessengerName,
  facebookMessengerService,
  facebookMessengerVersion,
  judgeFacebookMessenger,
} from '../../tests-spec/nettests/facebook-messenger.ts'
import type { Service } from '../../tests-spec/nettests/service.ts'
import type { Nettest } from './nettest.ts'
import { measureService } from './service-reachability.ts'

/** @param service - The real one, unless a laboratory describes it with other endpoints. */
export function facebookMessengerOn(service: Service): Nettest {
  return {
    name: facebookMessengerName,
    version: facebookMessengerVersion,
    measure: async (context) => measureService(context, service),
    conclude(observations, circumstances) {
      const { verdict, parts } = judgeFacebookMessenger(observations, circumstances, service)
      return { keys: { ...facebookMessengerKeys(observations) }, verdict, parts }
    },
  }
}

export const facebookMessenger: Nettest = facebookMessengerOn(facebookMessengerService)
