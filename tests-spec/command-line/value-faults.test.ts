// Every fault of a value, in words: unknown fields all of them, at any depth, with the name that was probably meant.

import * as v from 'valibot'
import { expect, it } from 'vitest'
import { testList } from '../lists/test-list.ts'
import { valueFaults } from './value-faults.ts'

const schema = v.strictObject({
  count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)), 4),
  ip: v.optional(v.pipe(v.string(), v.ip())),
  site: v.optional(v.pipe(v.string(), v.url())),
  name: v.string(),
  lab: v.optional(v.boolean(), false),
  words: v.optional(v.nullable(v.array(v.strictObject({ text: v.pipe(v.string(), v.maxLength(4)) }))), null),
})

/** As a person reads them. */
const said = (value: unknown) => valueFaults(schema, value).map(({ place, what }) => `${place}: ${what}`)

it('names every unknown field, at any depth, and nothing of the library', () => {
  const words: object[] = [{ text: 'a', txet: 1, zzz: 2 }, { text: 'b' }, { text: 'c', toString: 1 }]
  expect(said(JSON.parse('{"name":"x","constructor":1,"__proto__":2,"nmae":3,"yyy":4}'))).toEqual([
    'constructor: "constructor" is no field',
    '__proto__: "__proto__" is no field',
    'nmae: "nmae" is no field; did you mean name?',
    'yyy: "yyy" is no field',
  ])
  expect(said({ name: 'x', words })).toEqual([
    'words.0.txet: "txet" is no field; did you mean text?',
    'words.0.zzz: "zzz" is no field',
    'words.2.toString: "toString" is no field',
  ])
})

it('says in words what was expected and what is there', () => {
  expect(said({ count: 17, lab: 'yes', words: {} })).toEqual([
    'count: expected at most 16, found 17',
    'name: is missing',
    'lab: expected true or false, found "yes"',
    'words: expected a list, found an object',
  ])
  expect(said({ name: 'x', count: 1.5, ip: 'home', site: 'home', words: [{ text: 'abcde' }] })).toEqual([
    'count: expected a whole number, found 1.5',
    'ip: expected an IP address, found "home"',
    'site: expected a URL, found "home"',
    'words.0.text: expected at most 4 characters, found "abcde"',
  ])
  expect(said([])).toEqual(['name: is missing'])
  expect(said(null)).toEqual(['(top): expected an object, found null'])
})

it('finds the fields of an entry of the test list by its nettest', () => {
  const entry = {
    nettest: 'web_connectivity',
    input: 'https://a.test/',
    category_code: 'MISC',
    zzz: 1,
    note: '',
  }
  const list = { name: 'own', version: 1, entries: [entry], controls: [], resolvers: [] }
  expect(valueFaults(testList, list).map(({ what }) => what)).toEqual([
    '"zzz" is no field',
    '"note" is no field; did you mean notes?',
  ])
})

it('cuts what is long, and counts what is too much to list', () => {
  expect(said({ name: 'x', lab: 'y'.repeat(50_000) })).toEqual([
    `lab: expected true or false, found "${'y'.repeat(80)}…"`,
  ])
  const own = { name: 'N'.repeat(50_000), version: 1, entries: [], controls: [], resolvers: [] }
  expect(valueFaults(testList, own)).toEqual([
    { place: 'name', what: `expected text that fits /^[a-z0-9-]{1,40}$/, found "${'N'.repeat(80)}…"` },
  ])
  const many = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`field${i}`, i]))
  expect(said({ name: 'x', ...many }).slice(49)).toEqual([
    'field49: "field49" is no field',
    '(top): and 40 more',
  ])
})
