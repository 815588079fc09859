// Small files that tell by themselves whether they are whole. How they stand damage of every kind is tested in
// test/damage.

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { expect, it } from 'vitest'
import { decodeState, encodeState, readStateFile, replaceStateFile, writeStateFile } from './state-file.ts'

const fresh = () => join(mkdtempSync(join(tmpdir(), 'sonde-state-')), 'file.json')
const shape = v.object({ year: v.number(), words: v.optional(v.string()) })

it.each([writeStateFile, replaceStateFile])('%o() keeps what readStateFile() gives back', async (write) => {
  const path = fresh()
  await write(path, { year: 2026 })
  expect(await readStateFile(path, shape)).toEqual({ year: 2026 })
})

it.each<object>([
  {},
  { left: undefined, kept: null },
  { '7': 'seven', a: 1, '3': 'three' },
  { text: 'é\u2028"\\\ud800' },
  { huge: 1e300, small: 5e-324, negative: -0, at: 1_790_000_000_000.4812 },
  { deep: [{ '1': [] }, [[]]] },
])('decodeState() gives back what JSON keeps of %j', (content) => {
  expect(decodeState(encodeState(content))).toEqual(JSON.parse(JSON.stringify(content)))
})

it.each([
  ['', 'nothing'],
  ['{"year":2026}', 'no digest'],
  ['{"year":2026,"sha256":"0123456789abcdef"}', 'another digest'],
  ['{"year":2026,"sha256":7}', 'a digest that is none'],
  ['[]', 'no object'],
  ['null', 'nothing at all'],
  ['"2026"', 'a text'],
])('readStateFile() takes %s for nothing (%s)', async (text) => {
  const path = fresh()
  writeFileSync(path, text)
  expect(await readStateFile(path, shape)).toBeNull()
})

it('readStateFile() takes for nothing what is whole and of another shape, a folder, and a file that is not there', async () => {
  const path = fresh()
  expect(await readStateFile(path, shape)).toBeNull()
  await writeStateFile(path, { year: 'MMXXVI' })
  expect(await readStateFile(path, shape)).toBeNull()
  mkdirSync(`${path}.d`)
  expect(await readStateFile(`${path}.d`, shape)).toBeNull()
})

it('decodeState() finds every flipped bit that changes what is said', async () => {
  const path = fresh()
  await writeStateFile(path, { year: 2026, words: 'a bound that no true time is before' })
  const whole = readFileSync(path)
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Buffer.from(whole)
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    writeFileSync(path, bytes)
    const found = await readStateFile(path, shape)
    if (found !== null) expect(found).toEqual({ year: 2026, words: 'a bound that no true time is before' })
  }
})
