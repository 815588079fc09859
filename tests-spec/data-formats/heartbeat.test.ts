// A heartbeat is read for what it says, and nothing in it costs a batch.

import { expect, it } from 'vitest'
import { readHeartbeat } from './heartbeat.ts'

const good = {
  v: 1,
  upS: 5,
  boots: 1,
  starts: 2,
  ended: 'power',
  link: 'up',
  rssMb: 60,
  freeMb: null,
  oldestS: null,
  codes: ['S4101'],
}

it('is read with fields that are not known yet', () => {
  expect(readHeartbeat(good)).toEqual(good)
  expect(readHeartbeat({ ...good, later: { a: 1 } })).toMatchObject(good)
})

it.each([
  ['nothing', undefined],
  ['a text', 'up'],
  ['another version', { ...good, v: 2 }],
  ['a word that is none', { ...good, link: 'http://site.example/' }],
  ['a code that is none', { ...good, codes: ['\u001b[31m'] }],
  ['a negative time', { ...good, upS: -1 }],
  ['more than anyone needs', { ...good, later: 'x'.repeat(1_000) }],
])('of %s is none', (_, said) => {
  expect(readHeartbeat(said)).toBeNull()
})
