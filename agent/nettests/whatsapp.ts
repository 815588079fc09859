// The nettest `whatsapp`: tests-spec/nettests/whatsapp.md. A described service with OONI's keys.

import type { Service } from '../../tests-spec/nettests/service.ts'
import {
  judgeWhatsapp,
  whatsappKeys,
  whatsappName,
  whatsappService,
  whatsappVersion,
} from '../../tests-spec/nettests/whatsapp.ts'
import type { Nettest } from './nettest.ts'
import { measureService } from './service-reachability.ts'

/** @param service - The real one, unless a laboratory describes it with other endpoints. */
export function whatsappOn(service: Service): Nettest {
  return {
    name: whatsappName,
    version: whatsappVersion,
    measure: async (context) => measureService(context, service),
    conclude(observations, circumstances) {
      const { verdict, parts } = judgeWhatsapp(observations, circumstances, service)
      return { keys: { ...whatsappKeys(observations, circumstances.lab, service) }, verdict, parts }
    },
  }
}

export const whatsapp: Nettest = whatsappOn(whatsappService)
