// The JSON Schema of each document, derived from the one definition in tests-spec. `npm run schemas` writes them, and
// the table of nettests; schemas.test.ts fails when they are out of date.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'
import { type GenericSchema, looseObject } from 'valibot'
import { heartbeat } from '../tests-spec/data-formats/heartbeat.ts'
import { measurement, record } from '../tests-spec/data-formats/measurement.ts'
import { orders } from '../tests-spec/lists/orders.ts'
import { testList } from '../tests-spec/lists/test-list.ts'
import { ownTestKeys } from '../tests-spec/nettests/test-keys.ts'
import { plainSchema } from '../tests-spec/plain/plain-schema.ts'
import { manifest } from '../tests-spec/protocol/batch.ts'
import { endpoint } from '../tests-spec/protocol/endpoint.ts'
import { enrolment, enrolmentRequest } from '../tests-spec/protocol/enrolment.ts'
import { receipt } from '../tests-spec/protocol/receipt.ts'
import { refusal } from '../tests-spec/protocol/refusal.ts'
import { sealedReceipt } from '../tests-spec/protocol/sealed.ts'
import { testHelperRequest, testHelperResponse } from '../tests-spec/protocol/test-helper.ts'
import { readmePath, withNettestTable } from './nettest-table.ts'

export const schemaFolder = fileURLToPath(new URL('../tests-spec/schemas', import.meta.url))

const documents: Readonly<Record<string, GenericSchema>> = {
  measurement,
  record,
  'plain-form': plainSchema,
  'test-list': testList,
  orders,
  'batch-manifest': manifest,
  heartbeat,
  receipt,
  refusal,
  'sealed-receipt': sealedReceipt,
  endpoint,
  enrolment,
  'enrolment-request': enrolmentRequest,
  'test-helper-request': testHelperRequest,
  'test-helper-response': testHelperResponse,
}

/** @returns The text of each schema file, by its name. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const whole = Object.entries(documents).map(([name, schema]) => fileOf(name, jsonOf(schema)))
  // The keys that the test_keys of every measurement have are defined only once, and referred to here.
  const common = { $ref: `${idOf('measurement')}#/properties/test_keys` }
  const parts = Object.entries(ownTestKeys).map(([nettest, entries]) =>
    fileOf(`test-keys-${nettest}`, { allOf: [common], ...jsonOf(looseObject(entries)) }),
  )
  return new Map([...whole, ...parts])
}

const idOf = (name: string) => `urn:sonde:schema:${name}:1`

function fileOf(name: string, json: object): [string, string] {
  const titled = { ...json, $id: idOf(name), title: name }
  return [`${name}.schema.json`, `${JSON.stringify(titled, null, 2)}\n`]
}

function jsonOf(schema: GenericSchema): object {
  return toJsonSchema(schema, {
    typeMode: 'input',
    // A check that is written as a function has no form in JSON Schema; the page of the document describes it.
    errorMode: 'ignore',
    target: 'draft-2020-12',
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync(schemaFolder, { recursive: true })
  for (const [name, text] of schemaFiles()) writeFileSync(join(schemaFolder, name), text)
  writeFileSync(readmePath, withNettestTable(readFileSync(readmePath, 'utf8')))
}
