// What a host agrees to, and the digest of it that is kept with the answer.

import { createHash } from 'node:crypto'
import { categories } from '../../../tests-spec/lists/category.ts'
import type { Consent } from '../../consent/consent.ts'
import { type Language, languages, type PhraseKey, phrases } from './phrases.ts'

/** For people; what counts is the digest. */
export const consentVersion = 1

export const statements = [
  'consent_1',
  'consent_2',
  'consent_3',
  'consent_4',
  'consent_5',
  'consent_6',
  'consent_7',
  'consent_8',
  'consent_9',
  'consent_10',
] as const satisfies readonly PhraseKey[]

export const questions = [
  { ask: 'question_1', right: true, wrong: 'wrong_1' },
  { ask: 'question_2', right: false, wrong: 'wrong_2' },
  { ask: 'question_3', right: true, wrong: 'wrong_3' },
] as const satisfies readonly { ask: PhraseKey; right: boolean; wrong: PhraseKey }[]

/** Codes of the categories that a host must have agreed to, one by one. */
export const riskyCategories: readonly string[] = [...categories]
  .filter(([, { needsConsent }]) => needsConsent)
  .map(([code]) => code)
  .sort()

/** SHA-256 in hex of what is asked in a language: the statements, the questions, and which categories are risky. */
export function consentDigest(language: Language): string {
  const texts = [...statements, ...questions.map(({ ask }) => ask)].map((key) => phrases[key][language])
  return createHash('sha256')
    .update(JSON.stringify([texts, riskyCategories]))
    .digest('hex')
}

/** An agreement, given now. */
export const agreementNow = (
  language: Language,
  at: number,
  how: Consent['how'],
  categories: string[],
): Consent => ({
  v: 1,
  agreed: true,
  version: consentVersion,
  text_sha256: consentDigest(language),
  language,
  at,
  how,
  categories,
})

/** In each language that there is: an answer in any of them holds. */
export const presentDigests = (): readonly string[] => languages.map(consentDigest)
