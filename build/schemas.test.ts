// The JSON Schemas say what the code says: written from it, and believed by a validator that is not ours.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { measured } from '../test/measured.ts'
import { connect, handshake, join as joined, query, response } from '../test/observations.ts'
import coreList from '../tests-spec/lists/core.json' with { type: 'json' }
import { schemaFiles, schemaFolder } from './schemas.ts'

function validatorOf(name: string) {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  return ajv.compile(JSON.parse(schemaFiles().get(`${name}.schema.json`) ?? ''))
}

test('the schema files are what the definitions give (npm run schemas)', () => {
  expect(readdirSync(schemaFolder).sort()).toEqual([...schemaFiles().keys()].sort())
  for (const [name, text] of schemaFiles()) expect(readFileSync(join(schemaFolder, name), 'utf8')).toBe(text)
})

test('a measurement as the agent makes it is valid, and one without its verdict is not', () => {
  const seen = joined(query(['21.0.0.10']), connect(null), handshake(null), response(200))
  const measurement = measured(seen)
  const valid = validatorOf('measurement')
  expect(valid(measurement), JSON.stringify(valid.errors)).toBe(true)
  const { x_sonde_verdict: _gone, ...keys } = measurement.test_keys
  expect(valid({ ...measurement, test_keys: keys })).toBe(false)
  expect(valid({ ...measurement, probe_ip: '203.0.113.7' })).toBe(false)
})

test('the built-in list is valid, and one with an unknown field is not', () => {
  const valid = validatorOf('test-list')
  expect(valid(coreList), JSON.stringify(valid.errors)).toBe(true)
  expect(valid({ ...coreList, code: 'run()' })).toBe(false)
})
