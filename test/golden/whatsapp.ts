// Golden samples of whatsapp, whose rules are those of described services: service-reachability.ts has theirs.

import { whatsappService } from '../../tests-spec/nettests/whatsapp.ts'
import type { Golden } from './golden.ts'
import { messengerSamples } from './messenger.ts'

export const golden: Golden = messengerSamples(whatsappService)
