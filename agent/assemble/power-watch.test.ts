// The watch over a phone's battery: one line of the log for each change, and a cycle left out while it rests.

import { expect, it } from 'vitest'
import type { Log } from '../platform/log.ts'
import type { Power } from '../platform/power.ts'
import { powerWatch } from './power-watch.ts'

const settings = { phone_file: '/phone', rest_below_percent: 15, rest_above_celsius: 45 }

const well: Power = { battery_percent: 50, battery_celsius: 30, plugged: 'UNPLUGGED' }

function watched(steps: readonly Partial<Power>[]) {
  const lines: string[] = []
  const say = (code: string, fields: object = {}) => lines.push([code, ...Object.values(fields)].join(' '))
  const log: Log = { info: say, warn: say, error: say }
  let step = -1
  const read = (): Power => ({ ...well, ...steps[Math.max(0, step)] })
  const watch = powerWatch(settings, log, () => 0, read)
  const rests = steps.map((_, i) => {
    step = i
    return watch.look()
  })
  return { rests, lines, status: watch.status() }
}

it('powerWatch() leaves cycles out while the battery is low or hot, and says each change once', () => {
  const steps = [
    {},
    { battery_percent: 9 },
    { battery_percent: 17 },
    { battery_celsius: 50 },
    { battery_celsius: 30 },
  ]
  expect(watched(steps)).toMatchObject({
    rests: [null, 'battery', 'battery', 'heat', null],
    lines: ['S1401 battery', 'S1401 heat', 'S1402'],
    status: { resting: null, battery_percent: 50 },
  })
})
