// The nettest `signal`: tests-spec/nettests/signal.md. A described service with OONI's keys.

import type { Service } from '../../tests-spec/nettests/service.ts'
import {
  judgeSignal,
  signalKeys,
  signalName,
  signalService,
  signalVersion,
} from '../../tests-spec/nettests/signal.ts'
import type { Nettest } from './nettest.ts'
import { measureService } from './service-reachability.ts'

/** @param service - The real one, unless a laboratory describes it with other endpoints. */
export function signalOn(service: Service): Nettest {
  return {
    name: signalName,
    version: signalVersion,
    measure: async (context) => measureService(context, service),
    conclude(observations, circumstances) {
      const { verdict, parts } = judgeSignal(observations, circumstances, service)
      return { keys: { ...signalKeys(observations, circumstances.lab, service) }, verdict, parts }
    },
  }
}

export const signal: Nettest = signalOn(signalService)
