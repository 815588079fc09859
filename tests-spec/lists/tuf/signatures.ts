// Whether a role's keys have signed, and if not, who did: the name of a refusal tells an operator whether a download
// broke or a stolen key is in use.

import { verify } from 'node:crypto'
import { publicKeyFrom } from '../../protocol/dsse.ts'
import type { Keys, Metadata, Role } from './metadata.ts'
import { type RefusalCode, Refused } from './refusal.ts'

/** Keys that are known and do not speak for the role, to say whose signature it is. */
export interface OtherKeys {
  /** Once trusted for something, and taken out. */
  readonly former: Keys
  /** Of the delegator's other roles: for a top role root's, for a group's those of the groups beside it. */
  readonly beside: Keys
  readonly root: Keys
}

/** Whether a threshold of the role's keys has signed. Each public key counts once, under whatever ids it stands. */
export function isSigned(metadata: Metadata<unknown>, role: Role): boolean {
  return countOf(metadata, role.keys) >= role.threshold
}

/**
 * @param at - Section of the workflow.
 * @throws {Refused} Unless a threshold of the role's keys has signed.
 */
export function requireSigned(metadata: Metadata<unknown>, role: Role, others: OtherKeys, at: string): void {
  const count = countOf(metadata, role.keys)
  if (count >= role.threshold) return
  const code = nameOf(metadata, role, others, count)
  throw new Refused(code, at, `${count} of ${role.threshold} signatures are good`)
}

function nameOf(metadata: Metadata<unknown>, { keys }: Role, others: OtherKeys, count: number): RefusalCode {
  const foreign = (from: Keys) => new Map([...from].filter(([keyid]) => !keys.has(keyid)))
  if (countOf(metadata, foreign(others.former)) > 0) return 'revoked_key'
  if (count > 0) return 'threshold'
  if ([...metadata.signatures.keys()].some((keyid) => keys.has(keyid))) return 'tampering'
  if (others.beside !== others.root && countOf(metadata, foreign(others.beside)) > 0) return 'foreign_path'
  return countOf(metadata, foreign(others.root)) > 0 ? 'key_confusion' : 'key_substitution'
}

function countOf({ signatures, signedBytes }: Metadata<unknown>, keys: Keys): number {
  const good = new Set<string>()
  for (const [keyid, sig] of signatures) {
    const hex = keys.get(keyid)
    if (typeof hex === 'string' && !good.has(hex) && verifies(hex, sig, signedBytes)) good.add(hex)
  }
  return good.size
}

/** The fixed part of an Ed25519 key in SPKI form (RFC 8410). */
const spkiPrefix = '302a300506032b6570032100'

function verifies(hex: string, sig: string, bytes: Uint8Array): boolean {
  if (!/^[0-9a-f]{128}$/.test(sig)) return false
  try {
    // Keys of small order, for which anyone can sign, are refused there.
    const key = publicKeyFrom(Buffer.from(spkiPrefix + hex, 'hex').toString('base64'))
    return verify(null, bytes, key, Buffer.from(sig, 'hex'))
  } catch {
    return false
  }
}
