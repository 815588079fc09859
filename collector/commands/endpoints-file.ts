// The ways to this collector as its operator wrote them down: a JSON array of tests-spec/protocol/endpoint.md. Read once,
// at start: what is wrong in it goes into records that are never issued again.

import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { type Endpoint, endpointSetting, maxEndpoints } from '../../tests-spec/protocol/endpoint.ts'

const endpointsFile = v.pipe(v.array(endpointSetting), v.maxLength(maxEndpoints))

/** @throws {Error} With the code `bad_endpoints`, naming every fault by its place. */
export async function readEndpointsFile(path: string): Promise<Endpoint[]> {
  const parsed = v.safeParse(endpointsFile, await readJson(path))
  if (parsed.success) return parsed.output
  const faults = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? '(top)'}: ${issue.message}`)
  throw badEndpoints(path, faults.join('; '))
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw badEndpoints(path, cause instanceof Error ? cause.message : String(cause))
  }
}

function badEndpoints(path: string, why: string): Error {
  return Object.assign(new Error(`Cannot use the endpoints in ${path}: ${why}`), { code: 'bad_endpoints' })
}
