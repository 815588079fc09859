import { expect, it } from 'vitest'
import { isPowerWell } from './doctor-command.ts'

it.each([
  [{}, null],
  [{ undervoltage: false }, true],
  [{ undervoltage: true }, false],
  [{ battery: 80, plugged: false }, true],
  [{ battery: 9, plugged: false }, false],
  [{ battery: 9, plugged: true }, true],
])('the power of a machine that says %j is well: %s', (state, expected) => {
  expect(isPowerWell(state)).toBe(expected)
})
