// The nettest `telegram`: tests-spec/nettests/telegram.md. A described service with OONI's keys.

import type { Service } from '../../tests-spec/nettests/service.ts'
import {
  judgeTelegram,
  telegramKeys,
  telegramName,
  telegramService,
  telegramVersion,
} from '../../tests-spec/nettests/telegram.ts'
import type { Nettest } from './nettest.ts'
import { measureService } from './service-reachability.ts'

/** @param service - The real one, unless a laboratory describes it with other endpoints. */
export function telegramOn(service: Service): Nettest {
  return {
    name: telegramName,
    version: telegramVersion,
    measure: async (context) => measureService(context, service),
    conclude(observations, circumstances) {
      const { verdict, parts } = judgeTelegram(observations, circumstances, service)
      return { keys: { ...telegramKeys(observations, circumstances.lab, service) }, verdict, parts }
    },
  }
}

export const telegram: Nettest = telegramOn(telegramService)
