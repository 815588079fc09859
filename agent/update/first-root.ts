// The root that an enrolment names by its digest (tests-spec/lists/metadata.md §6), from a source that need not be believed.

import { metadataName } from '../../tests-spec/lists/tuf/paths.ts'
import { Refused } from '../../tests-spec/lists/tuf/refusal.ts'
import type { Limits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { sha256Of } from './contents.ts'
import type { UpdateSource } from './source.ts'

/**
 * Asks for one root after the other, from the first on.
 *
 * @param sha256 - Hex, from the signed record.
 * @returns Exactly the root that was named.
 * @throws {Refused} `unreachable` when the source has no root or a line breaks off, `tampering` when none of its first `rootsPerRefresh` is the one.
 */
export async function fetchFirstRoot(
  source: UpdateSource,
  sha256: string,
  { root: maxBytes, rootsPerRefresh }: Limits,
): Promise<Uint8Array> {
  for (let version = 1; version <= rootsPerRefresh; version++) {
    const answer = await source.get({ kind: 'metadata', name: metadataName('root', version), maxBytes })
    if (typeof answer === 'string') {
      if (version === 1 || answer === 'unreachable')
        throw new Refused('unreachable', '5.3', `Root ${version} could not be had`)
      break
    }
    if (sha256Of(answer) === sha256) return answer
  }
  throw new Refused('tampering', '5.3', 'None of these roots is the one that the enrolment names')
}
