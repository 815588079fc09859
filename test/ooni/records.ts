// Writes plain forms, one a line: `records.ts OUT [FILE|FOLDER]...`. Those of every golden sample, and of each line of JSON
// in the files, whichever of our forms it is in: a kept measurement, a line of a kept export, or a plain form.

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { measurement } from '../../tests-spec/data-formats/measurement.ts'
import { noContext, type PlainForm, plainForm } from '../../tests-spec/plain/plain-form.ts'
import { batchId } from '../../tests-spec/protocol/batch.ts'
import { fullContext, goldenRecords } from './golden-records.ts'

const keptLine = v.looseObject({ batch: batchId, n: v.number(), measurement })
const plain = v.looseObject({ report_id: v.string(), test_keys: v.looseObject({}) })

const [out, ...paths] = process.argv.slice(2)
if (out === undefined) {
  process.stderr.write('records.ts: expected where to write to\n')
  process.exit(64)
}
const golden = goldenRecords.map(({ kept }, n) => plainForm(kept, fullContext(n)))
const given = paths.flatMap(filesAt).flatMap(plainFormsIn)
writeFileSync(out, [...golden, ...given].map((each) => `${JSON.stringify(each)}\n`).join(''))
process.stdout.write(`${golden.length} golden plain forms, ${given.length} of files\n`)

function filesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(nd)?jsonl?$/.test(name))
    .map((name) => join(path, name))
}

function plainFormsIn(path: string): PlainForm[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => asPlain(JSON.parse(line)))
}

/** @throws {v.ValiError} When it is a measurement in none of our forms. */
function asPlain(line: unknown): PlainForm {
  if (v.is(plain, line)) return line
  const kept = v.safeParse(keptLine, line)
  if (kept.success) {
    const { batch, n } = kept.output
    return plainForm(kept.output.measurement, { ...noContext, place: { batch, n } })
  }
  return plainForm(v.parse(measurement, line))
}
