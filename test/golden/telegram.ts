// Golden samples of telegram, whose rules are those of described services: service-reachability.ts has theirs.

import { telegramService } from '../../tests-spec/nettests/telegram.ts'
import type { Golden } from './golden.ts'
import { messengerSamples } from './messenger.ts'

export const golden: Golden = messengerSamples(telegramService)
