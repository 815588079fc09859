import { expect, it } from 'vitest'
import { nearestName } from './nearest-name.ts'

const names = ['run', 'once', 'status', 'enrol', 'export', 'import-receipts', 'carry', 'verify']

it.each([
  ['statsu', 'status'],
  ['stauts', 'status'],
  ['STATUS', 'status'],
  ['enroll', 'enrol'],
  ['verfy', 'verify'],
  ['onec', 'once'],
  ['rnu', 'run'],
  ['import', 'import-receipts'],
  ['exprot', 'export'],
])('nearestName() takes %s for %s', (typed, meant) => {
  expect(nearestName(typed, names)).toBe(meant)
})

it.each(['', 'x', 'start', 'help', 'upload', 'zzzzzz'])(
  'nearestName() does not guess what "%s" means',
  (typed) => {
    expect(nearestName(typed, names)).toBeNull()
  },
)

it('nearestName() does not choose between two that begin alike', () => {
  expect(nearestName('helper', ['helper-resolver', 'helper-allow-private'])).toBeNull()
})
