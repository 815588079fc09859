// The JSON Schemas say what the code says: they are generated from it, and checked with a validator that is not ours.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, it } from 'vitest'
import { judging } from '../test/support/judge.ts'
import { measured } from '../test/support/measured.ts'
import { connect, handshake, join as joined, query, response } from '../test/support/observations.ts'
import coreList from '../tests-spec/lists/core.json' with { type: 'json' }
import { allNettests } from '../tests-spec/nettests/all-nettests.ts'
import { ownTestKeys } from '../tests-spec/nettests/test-keys.ts'
import { webConnectivity } from '../tests-spec/nettests/web-connectivity.ts'
import { readmePath, withNettestTable } from './nettest-table.ts'
import { schemaFiles, schemaFolder } from './schemas.ts'

function validatorOf(name: string) {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  const schema = (of: string) => JSON.parse(schemaFiles().get(`${of}.schema.json`) ?? '')
  // The schemas of test_keys refer to the schema of the measurement.
  if (name !== 'measurement') ajv.addSchema(schema('measurement'))
  return ajv.compile(schema(name))
}

it('the schema files are what the definitions give (npm run schemas)', () => {
  expect(readdirSync(schemaFolder).sort()).toEqual([...schemaFiles().keys()].sort())
  for (const [name, text] of schemaFiles()) expect(readFileSync(join(schemaFolder, name), 'utf8')).toBe(text)
})

it('the table of nettests in tests-spec/README.md is what all-nettests.ts gives (npm run schemas)', () => {
  const readme = readFileSync(readmePath, 'utf8')
  expect(withNettestTable(readme)).toBe(readme)
  for (const { name, version } of allNettests)
    expect(readme).toMatch(new RegExp(`\\[\`${name}\`\\].* ${version} `))
  expect(() => withNettestTable('# Nothing')).toThrow('Nettests')
})

it('a measurement as the agent makes it is valid, and one without its verdict is not', () => {
  const seen = joined(query(['21.0.0.10']), connect(null), handshake(null), response(200))
  const measurement = measured(seen)
  const valid = validatorOf('measurement')
  expect(valid(measurement), JSON.stringify(valid.errors)).toBe(true)
  const { x_sonde_verdict: _gone, ...keys } = measurement.test_keys
  expect(valid({ ...measurement, test_keys: keys })).toBe(false)
  expect(valid({ ...measurement, probe_ip: '203.0.113.7' })).toBe(false)
})

it('the test_keys of a nettest are valid, and not without a key of its own or one that every measurement has', () => {
  const seen = joined(query(['21.0.0.10']), connect(null), handshake(null), response(200))
  const { keys } = judging(webConnectivity)(seen)
  const { test_keys } = JSON.parse(JSON.stringify(measured(seen, { keys })))
  const valid = validatorOf('test-keys-web_connectivity')
  expect(valid(test_keys), JSON.stringify(valid.errors)).toBe(true)
  expect(valid({ ...test_keys, blocking: 'tcp' })).toBe(false)
  for (const key of ['accessible', 'queries', 'x_sonde_verdict']) {
    const { [key]: _gone, ...rest } = test_keys
    expect(valid(rest), key).toBe(false)
  }
})

it.each(Object.keys(ownTestKeys))('the schema of the test_keys of %s can be compiled', (nettest) => {
  expect(validatorOf(`test-keys-${nettest}`)({})).toBe(false)
})

it('the built-in list is valid, and one with an unknown field is not', () => {
  const valid = validatorOf('test-list')
  expect(valid(coreList), JSON.stringify(valid.errors)).toBe(true)
  expect(valid({ ...coreList, code: 'run()' })).toBe(false)
})
