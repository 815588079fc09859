// When a phone rests, and when it has recovered.

import { expect, it } from 'vitest'
import { type Need, type Rest, restNow } from './rest.ts'

const well: Need = { battery_percent: 80, battery_celsius: 30, plugged: 'UNPLUGGED' }

it.each<[string, Partial<Need>, Rest | null, Rest | null]>([
  ['is well', {}, null, null],
  ['has 14 % and is unplugged', { battery_percent: 14 }, null, 'battery'],
  ['has 15 %', { battery_percent: 15 }, null, null],
  ['has 3 % on a charger', { battery_percent: 3, plugged: 'PLUGGED_USB' }, null, null],
  ['has 3 %, and nothing says whether it is plugged', { battery_percent: 3, plugged: null }, null, null],
  ['rested, and has 19 %', { battery_percent: 19 }, 'battery', 'battery'],
  ['rested, and has 20 %', { battery_percent: 20 }, 'battery', null],
  ['rested, and is plugged in', { battery_percent: 5, plugged: 'PLUGGED_USB' }, 'battery', null],
  ['has 45 °C', { battery_celsius: 45 }, null, null],
  ['has 46 °C on a charger', { battery_celsius: 46, plugged: 'PLUGGED_USB' }, null, 'heat'],
  ['was hot, and has 43 °C', { battery_celsius: 43 }, 'heat', 'heat'],
  ['was hot, and has 42 °C', { battery_celsius: 42 }, 'heat', null],
  ['was hot, and is nearly empty now', { battery_celsius: 30, battery_percent: 16 }, 'heat', null],
  ['tells nothing', { battery_percent: null, battery_celsius: null, plugged: null }, 'battery', null],
])('restNow() of a phone that %s', (_, need, before, expected) => {
  expect(restNow({ ...well, ...need }, 15, 45, before)).toBe(expected)
})

it('restNow() never rests for the battery with a limit of 0', () => {
  expect(restNow({ ...well, battery_percent: 0 }, 0, 45, 'battery')).toBeNull()
})
