// Whether the host of this device agrees that it measures, and to which delicate subjects. Without it nothing is probed and
// nothing sent. The answer is kept with the digest of what was asked: another text is another question.

import * as v from 'valibot'
import { needsConsent } from '../../tests-spec/lists/category.ts'
import { readStateFile, writeStateFile } from '../platform/state-file.ts'

const consent = v.looseObject({
  v: v.literal(1),
  /** False once it was withdrawn. */
  agreed: v.boolean(),
  /** Of the text, for people. */
  version: v.number(),
  text_sha256: v.string(),
  language: v.string(),
  /** Milliseconds since 1970. */
  at: v.number(),
  /** `asked`: this program asked the host. `operator`: the person who installs says that they did. */
  how: v.picklist(['asked', 'operator']),
  /** Risky categories that the host agreed to, as codes. */
  categories: v.array(v.string()),
})
export type Consent = v.InferOutput<typeof consent>

/** `config`: the configuration says that the host has agreed; that covers no risky category. */
export type AgreementState = 'agreed' | 'config' | 'not_asked' | 'changed' | 'withdrawn'

export interface Agreement {
  readonly state: AgreementState
  /** Risky categories that may be measured. */
  readonly categories: ReadonlySet<string>
}

/** @returns null when there is none, or none that can be believed: the host is then asked. */
export async function readConsent(path: string): Promise<Consent | null> {
  return readStateFile(path, consent)
}

/** @throws The disk's error. */
export async function writeConsent(path: string, content: Consent): Promise<void> {
  await writeStateFile(path, content)
}

/**
 * @param presentDigests - Of what would be asked now, in each language.
 * @param isInConfig - Whether the configuration says that the host has agreed.
 */
export function agreementOf(
  kept: Consent | null,
  presentDigests: readonly string[],
  isInConfig: boolean,
): Agreement {
  if (kept !== null && !kept.agreed) return { state: 'withdrawn', categories: new Set() }
  if (kept !== null && presentDigests.includes(kept.text_sha256))
    return { state: 'agreed', categories: new Set(kept.categories.filter(needsConsent)) }
  if (isInConfig) return { state: 'config', categories: new Set() }
  return { state: kept === null ? 'not_asked' : 'changed', categories: new Set() }
}

export const mayMeasure = ({ state }: Agreement): boolean => state === 'agreed' || state === 'config'
