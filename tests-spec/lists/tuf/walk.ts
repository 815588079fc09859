// Walks through steps of the workflow with what is at hand: files that were read before, or a way to ask for them.

import type { Answer, Ask } from './client-workflow.ts'
import { Refused } from './refusal.ts'

/** Of what is in memory already. */
export function walkThrough<Result>(
  steps: Generator<Ask, Result, Answer>,
  get: (ask: Ask) => Answer,
): Result {
  let step = steps.next()
  while (step.done !== true) step = steps.next(bounded(get(step.value), step.value))
  return step.value
}

/** Of what must be waited for. @param get - `unreachable` for every way in which a file could not be had. */
export async function walkAsking<Result>(
  steps: Generator<Ask, Result, Answer>,
  get: (ask: Ask) => Promise<Answer>,
): Promise<Result> {
  let step = steps.next()
  while (step.done !== true) step = steps.next(bounded(await get(step.value), step.value))
  return step.value
}

/** The limit binds also where a source forgets it. */
function bounded(answer: Answer, { maxBytes }: Ask): Answer {
  return typeof answer !== 'string' && answer.length > maxBytes ? 'too_long' : answer
}

/** What a file of a repository is called in one file, and on a mirror: `metadata/…` or `targets/…`. */
export function fileName({ kind, name }: Pick<Ask, 'kind' | 'name'>): string {
  return kind === 'metadata' ? `metadata/${name}` : `targets/${name}`
}

/**
 * The newest files of a repository in one file, by role: those whose name has a version.
 * @throws {Refused} `malformed` for a name of metadata that is none.
 */
export function newestByRole(
  files: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, { readonly version: number; readonly bytes: Uint8Array }> {
  const newest = new Map<string, { version: number; bytes: Uint8Array }>()
  for (const [name, bytes] of files) {
    if (!name.startsWith('metadata/') || name === 'metadata/timestamp.json') continue
    const [, digits = '', encoded = ''] = /^metadata\/([1-9]\d{0,14})\.(.+)\.json$/.exec(name) ?? []
    const role = decoded(encoded)
    const version = Number(digits)
    if (version > (newest.get(role)?.version ?? 0)) newest.set(role, { version, bytes })
  }
  return newest
}

function decoded(encoded: string): string {
  try {
    const role = decodeURIComponent(encoded)
    // One name in one spelling: another could hide a file from the one who looks for it.
    if (role !== '' && encodeURIComponent(role) === encoded) return role
  } catch {
    // Falls through: it is no name.
  }
  throw new Refused('malformed', '4.1', 'A file of metadata has a name that is none')
}
