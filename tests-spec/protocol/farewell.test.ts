// A farewell is believed of the probe that signed it, and of no other.

import { generateKeyPairSync } from 'node:crypto'
import * as v from 'valibot'
import { expect, it } from 'vitest'
import { deviceId } from './batch.ts'
import { keyIdOf, sealEnvelope } from './dsse.ts'
import { farewellType, openFarewell, sealFarewell } from './farewell.ts'

const one = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('ed25519')
const idOf = (pair: typeof one) => v.parse(deviceId, keyIdOf(pair.publicKey))
const keyOf = (id: string) => [one, other].find((pair) => idOf(pair) === id)?.publicKey ?? null

it('is believed of the probe that signed it', () => {
  expect(openFarewell(sealFarewell(idOf(one), 7, one.privateKey), keyOf)).toEqual({
    v: 1,
    device: idOf(one),
    at: 7,
  })
})

it.each([
  ['of a probe that is not known', () => sealFarewell(idOf(one), 7, one.privateKey), () => null],
  ['by another key', () => sealFarewell(idOf(one), 7, other.privateKey), keyOf],
  [
    'by a probe that speaks of another',
    () =>
      sealEnvelope(
        farewellType,
        Buffer.from(JSON.stringify({ v: 1, device: idOf(other), at: 7 })),
        idOf(one),
        one.privateKey,
      ),
    keyOf,
  ],
  ['that is none', () => Buffer.from('{}'), keyOf],
])('is not believed %s', (_, made, lookup) => {
  expect(() => openFarewell(made(), lookup)).toThrow()
})
