// What the program says to a person, in English and in French: one file a language, with the same members.

import { english, type Words } from './english.ts'
import { french } from './french.ts'

export type { Words }
export const languages = ['en', 'fr'] as const
export type Language = (typeof languages)[number]

export function wordsOf(language: Language): Words {
  return language === 'fr' ? french : english
}

/**
 * @param said - By `--lang`; null when it was not.
 * @param env - As for any program: LC_ALL before LC_MESSAGES before LANG.
 */
export function languageOf(said: string | null, env: Readonly<Record<string, string | undefined>>): Language {
  const named = said ?? (env.LC_ALL || env.LC_MESSAGES || env.LANG || '')
  return /^fr\b|^fr_/i.test(named) ? 'fr' : 'en'
}
