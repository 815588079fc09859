// Which language a host is spoken to in, and the texts in it.

import * as v from 'valibot'
import { readStateFile, writeStateFile } from '../../platform/state-file.ts'
import { type Language, languages, type PhraseKey, phrases } from './phrases.ts'

export type Say = (key: PhraseKey, values?: Readonly<Record<string, string | number>>) => string

/** @param isUtf8 - Where a terminal shows no accents, letters stand without them. */
export function sayIn(language: Language, isUtf8 = true): Say {
  return (key, values = {}) => {
    const text = phrases[key][language].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''))
    return isUtf8 ? text : plainLetters(text)
  }
}

const plainSigns: Readonly<Record<string, string>> = { '’': "'", '«': '"', '»': '"', '…': '...', '–': '-' }

function plainLetters(text: string): string {
  const bare = text
    .replace(/« | »/g, '"')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
  return bare.replace(/[^ -~\n]/gu, (sign) => plainSigns[sign] ?? '?')
}

type Environment = Readonly<Record<string, string | undefined>>

const localeOf = ({ LC_ALL, LC_MESSAGES, LANG }: Environment) => LC_ALL || LC_MESSAGES || LANG || ''

/** A locale without a charset says nothing; UTF-8 is then what terminals of today show. */
export function showsUtf8(env: Environment): boolean {
  const [, charset] = /\.([^@]+)/.exec(localeOf(env)) ?? []
  return charset === undefined || /^utf-?8$/i.test(charset)
}

/**
 * What was said on the line, else what the host chose, else the locale's, else French. The choice goes over the locale: on phones
 * that is en_US, whatever their owners speak.
 */
export function languageOf(said: string | null, chosen: Language | null, env: Environment): Language {
  const ofLocale = languages.find((each) => localeOf(env).toLowerCase().startsWith(each))
  return languages.find((each) => each === said) ?? chosen ?? ofLocale ?? 'fr'
}

const choice = v.looseObject({ v: v.literal(1), language: v.picklist(languages) })

/** @returns null while none was chosen. */
export async function chosenLanguage(path: string): Promise<Language | null> {
  return (await readStateFile(path, choice))?.language ?? null
}

export async function keepLanguage(path: string, language: Language): Promise<void> {
  await writeStateFile(path, { v: 1, language })
}
