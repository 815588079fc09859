// The ways to this collector as its operator wrote them down: a JSON array of tests-spec/protocol/endpoint.md. Read once,
// at start: what is wrong in it goes into records that are never issued again.

import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { jsonFaultText, parseJsonText } from '../../tests-spec/command-line/json-text.ts'
import { type Endpoint, endpointSetting, maxEndpoints } from '../../tests-spec/protocol/endpoint.ts'
import { CommandFailed } from './command-failed.ts'

const endpointsFile = v.pipe(v.array(endpointSetting), v.maxLength(maxEndpoints))

/** @throws {CommandFailed} `bad_endpoints`, naming every fault by its place. */
export async function readEndpointsFile(path: string): Promise<Endpoint[]> {
  const parsed = v.safeParse(endpointsFile, await readJson(path))
  if (parsed.success) return parsed.output
  const faults = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? '(top)'}: ${issue.message}`)
  throw badEndpoints(path, faults.join('; '))
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw badEndpoints(path, cause.message)
  })
  const reading = parseJsonText(text)
  if (reading.ok) return reading.value
  throw new CommandFailed('bad_endpoints', `Cannot use the endpoints in ${jsonFaultText(path, reading)}.`)
}

function badEndpoints(path: string, why: string): CommandFailed {
  return new CommandFailed('bad_endpoints', `Cannot use the endpoints in ${path}: ${why}.`)
}
