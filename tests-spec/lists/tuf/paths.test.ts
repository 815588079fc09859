import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, fuzz } from '../../../test/support/fuzzing.ts'
import { isSafePath, matchesPattern, metadataName, targetName } from './paths.ts'

describe('matchesPattern()', () => {
  it.each([
    ['groups/bamako/*', 'groups/bamako/list.json'],
    ['groups/bamako/*', 'groups/bamako/.list.json'],
    ['groups/bamako/*.json', 'groups/bamako/.json'],
    ['groups/*/list.json', 'groups/bamako/list.json'],
    ['groups/bamako/list?.json', 'groups/bamako/list1.json'],
    ['groups/bamako/?.json', 'groups/bamako/\u{1f4e1}.json'],
    ['a*b*c', 'abbbc'],
    ['*', 'x'],
    ['a/[b].json', 'a/[b].json'],
  ])('lets %s cover %s', (pattern, path) => {
    expect(matchesPattern(path, pattern)).toBe(true)
  })

  it.each([
    ['groups/bamako/*', 'groups/bamako/deep/list.json'],
    ['groups/bamako/*', 'groups/kayes/list.json'],
    ['groups/bamako/*', 'Groups/Bamako/list.json'],
    ['groups/**', 'groups/bamako/list.json'],
    ['groups/bamako/{a,b}.json', 'groups/bamako/a.json'],
    ['groups/bamako/[ab].json', 'groups/bamako/a.json'],
    ['groups/bamako/!x.json', 'groups/bamako/list.json'],
    ['!groups/kayes/*', 'groups/bamako/list.json'],
    ['groups/bamako/+(a|b).json', 'groups/bamako/ab.json'],
    ['groups/bamako/list?.json', 'groups/bamako/list.json'],
    ['a*b*c', 'abbbcd'],
    ['', 'x'],
    ['groups/bamako', 'groups/bamako/list.json'],
  ])('does not let %s cover %s', (pattern, path) => {
    expect(matchesPattern(path, pattern)).toBe(false)
  })

  it('agrees with a regular expression, and is not slow where that is', () => {
    const letters = (of: string) => fc.string({ unit: fc.constantFrom(...of), maxLength: 12 })
    fuzz(fc.tuple(letters('ab/'), letters('ab/*?')), cases(2_000, 100_000), ([path, pattern]) => {
      const regex = new RegExp(`^${pattern.replaceAll('?', '[^/]').replaceAll('*', '[^/]*')}$`)
      expect(matchesPattern(path, pattern)).toBe(regex.test(path))
    })
    fuzz(fc.constant(`${'*a'.repeat(2_000)}b`), 1, (pattern) => {
      expect(matchesPattern('a'.repeat(4_000), pattern)).toBe(false)
    })
  })
})

describe('isSafePath()', () => {
  it.each([
    'core/list.json',
    'list',
    'core/..list',
    'core/a..b',
    'core/.list.json',
    'core/ségou.json',
    'a b',
    '#1',
  ])('takes %j', (path) => {
    expect(isSafePath(path)).toBe(true)
  })

  it.each([
    '',
    '/etc/cron.d/x',
    'core/../x',
    '..',
    './x',
    'core//x',
    'core/',
    'core\\x',
    'C:/x',
    'https://evil.example/x',
    'core/%2e%2e/x',
    'core/x\u0000',
    'core/x\n',
    'core/\u0085x',
  ])('refuses %j', (path) => {
    expect(isSafePath(path)).toBe(false)
  })
})

describe('names in requests', () => {
  it('encode a role whole, so that none leaves the folder', () => {
    expect(metadataName('../../etc/x', 3)).toBe('3...%2F..%2Fetc%2Fx.json')
    expect(metadataName('s#e?g', null)).toBe('s%23e%3Fg.json')
  })

  it('put the hash before the last part of a target', () => {
    expect(targetName('core/list.json', 'ab')).toBe('core/ab.list.json')
    expect(targetName('list.json', 'ab')).toBe('ab.list.json')
    expect(targetName('core/list.json', null)).toBe('core/list.json')
  })
})
