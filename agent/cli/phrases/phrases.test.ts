// Every text is there in every language, with the same values in it; and what was agreed to is what is asked.

import { expect, it } from 'vitest'
import { consentDigest, riskyCategories } from './consent-text.ts'
import { languages, phrases } from './phrases.ts'
import { languageOf, sayIn, showsUtf8 } from './say.ts'

const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort()

it.each(Object.entries(phrases))('%s is said alike in every language', (_, texts) => {
  for (const language of languages) {
    expect(texts[language].trim()).not.toBe('')
    expect(holes(texts[language])).toEqual(holes(texts.fr))
  }
})

it('each risky category has a name in words', () => {
  expect(riskyCategories.filter((code) => !(`category_${code}` in phrases))).toEqual([])
})

/** Whoever changes these has every host asked again. */
it('the text of the consent is the one that hosts have agreed to', () => {
  expect(languages.map((each) => [each, consentDigest(each).slice(0, 16)])).toMatchInlineSnapshot(`
    [
      [
        "fr",
        "8e81f3bb43ca4719",
      ],
      [
        "en",
        "9fc70cda9c0fdcf9",
      ],
    ]
  `)
})

it.each([
  ['en', 'fr', { LANG: 'fr_ML.UTF-8' }, 'en'],
  [null, 'fr', { LANG: 'en_US.UTF-8' }, 'fr'],
  [null, null, { LANG: 'en_US.UTF-8' }, 'en'],
  [null, null, { LANG: 'en_US.UTF-8', LC_ALL: 'fr_FR.UTF-8' }, 'fr'],
  [null, null, { LANG: 'C.UTF-8' }, 'fr'],
  [null, null, {}, 'fr'],
] as const)('--lang %s, chosen %s, in %j speaks %s', (said, chosen, env, expected) => {
  expect(languageOf(said, chosen, env)).toBe(expected)
})

it('speaks without accents where the screen has none', () => {
  expect(showsUtf8({ LANG: 'fr_FR.ISO-8859-1' })).toBe(false)
  expect(showsUtf8({ LANG: 'fr_FR.UTF-8' }) && showsUtf8({ LANG: 'C' }) && showsUtf8({})).toBe(true)
  expect(sayIn('fr', false)('consent_10')).toBe(
    'Vous arretez quand vous voulez : "sonde pause". Vous effacez tout : "sonde effacer".',
  )
  for (const texts of Object.keys(phrases))
    expect(sayIn('fr', false)(texts as keyof typeof phrases)).toMatch(/^[ -~]*$/)
})
