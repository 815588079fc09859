// Where the bytes of a repository come from, whatever it is: a mirror, a file on a stick, the connection of an upload.
// Nothing that a source says is believed (tests-spec/lists/metadata.md).

import type { Answer, Ask } from '../../tests-spec/lists/tuf/client-workflow.ts'
import { readOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { walkAsking } from '../../tests-spec/lists/tuf/walk.ts'

export interface UpdateSource {
  /**
   * @returns The file, of at most `maxBytes`; `unreachable` for every way in which it could not be had. Never rejects
   * for what the network does.
   */
  get(ask: Ask): Promise<Answer>
}

/** Walks through steps of the workflow with what a source has. */
export function walk<Result>(steps: Generator<Ask, Result, Answer>, source: UpdateSource): Promise<Result> {
  return walkAsking(steps, (ask) => source.get(ask))
}

/**
 * A mirror: the folders `metadata` and `targets`, asked for by paths relative to it, as they stand in a URL.
 *
 * @param get - Asks for one path; contract as in `UpdateSource`.
 */
export function mirrorSource(get: (path: string, maxBytes: number) => Promise<Answer>): UpdateSource {
  return {
    get: ({ kind, name, maxBytes }) =>
      get(
        kind === 'metadata'
          ? `metadata/${name}`
          : `targets/${name.split('/').map(encodeURIComponent).join('/')}`,
        maxBytes,
      ),
  }
}

/**
 * A repository in one file, as it comes on a stick.
 * @throws {Refused} When it is none, or not whole.
 */
export function oneFileSource(bytes: Uint8Array): UpdateSource {
  const files = readOneFile(bytes)
  return {
    get: async ({ kind, name }) =>
      files.get(`${kind === 'metadata' ? kind : 'targets'}/${name}`) ?? 'not_found',
  }
}
