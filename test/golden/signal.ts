// Golden samples of signal, whose rules are those of described services: service-reachability.ts has theirs.

import { signalService } from '../../tests-spec/nettests/signal.ts'
import type { Golden } from './golden.ts'
import { messengerSamples } from './messenger.ts'

export const golden: Golden = messengerSamples(signalService)
