// The digests by which bodies are compared without being kept: observation.md, "Fields of our own". Pure.

import { createHash } from 'node:crypto'

/** Block pages end with numbers and times of their own; what they begin with is the same for everybody. */
const headBytes = 512

interface Digests {
  readonly x_sonde_body_sha256: string
  readonly x_sonde_body_head_sha256?: string
}

/** @param isClearText - Whether the beginning has a digest too. */
export function digestsOf(body: Uint8Array, isClearText: boolean): Digests {
  return {
    x_sonde_body_sha256: sha256(body),
    ...(isClearText && { x_sonde_body_head_sha256: sha256(body.subarray(0, headBytes)) }),
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
