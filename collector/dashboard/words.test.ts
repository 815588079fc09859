// Two languages that say the same, and which of them a reader gets.

import { describe, expect, it } from 'vitest'
import { chooseLanguage, words } from './words.ts'

describe('chooseLanguage()', () => {
  it.each([
    ['en', 'fr', 'en'],
    ['EN', undefined, 'en'],
    ['de', 'en', 'en'],
    [undefined, 'en-GB,en;q=0.9,fr;q=0.8', 'en'],
    [undefined, 'fr-ML,fr;q=0.9,en;q=0.8', 'fr'],
    [undefined, 'en;q=0.4, fr;q=0.7', 'fr'],
    [undefined, 'de, en;q=0.5', 'en'],
    [undefined, 'bm, *', 'fr'],
    [undefined, 'en;q=0', 'fr'],
    [undefined, ';;,q=', 'fr'],
    [undefined, undefined, 'fr'],
  ] as const)('given lang=%s and Accept-Language: %s, chooses %s', (asked, accepted, language) => {
    expect(chooseLanguage(asked, accepted)).toBe(language)
  })
})

it('no sentence is the same in both languages where it should not be', () => {
  const same = Object.keys(words.en).filter((key) => {
    const name = key as keyof typeof words.en
    return typeof words.en[name] === 'string' && words.en[name] === words.fr[name]
  })
  expect(same).toEqual(['version'])
})
