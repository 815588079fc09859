// Looks at the machine's power before each cycle of the schedule, says what has changed, and decides whether the cycle is left out.

import type { Config } from '../config.ts'
import type { Status } from '../health/status.ts'
import { type Rest, restNow } from '../plan/rest.ts'
import type { Log } from '../platform/log.ts'
import { type Power, readPower } from '../platform/power.ts'

export interface PowerWatch {
  /** @returns Why this cycle is left out; null when it is not. */
  look(): Rest | null
  status(): Status['power']
}

type Settings = Pick<Config, 'phone_file' | 'rest_below_percent' | 'rest_above_celsius'>

export function powerWatch(
  config: Settings,
  log: Log,
  wallMs: () => number,
  read: (path: string | null, wallMs: number) => Power = readPower,
): PowerWatch {
  let power = read(config.phone_file, wallMs())
  let rest: Rest | null = null
  return {
    look() {
      power = read(config.phone_file, wallMs())
      const now = restNow(power, config.rest_below_percent, config.rest_above_celsius, rest)
      if (now !== rest) {
        if (now === null) log.info('S1402')
        else log.warn('S1401', { why: now })
      }
      rest = now
      return rest
    },
    status: () => ({ resting: rest, ...power }),
  }
}
