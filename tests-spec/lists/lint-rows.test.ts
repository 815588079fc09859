import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { categories, needsConsent } from './category.ts'
import core from './core.json' with { type: 'json' }
import { lintRows } from './lint-rows.ts'
import type { ListRow } from './list-row.ts'

const good: ListRow = {
  line: 2,
  url: 'https://news.bamako.ml/',
  category_code: 'NEWS',
  category_description: '',
  date_added: '2026-11-28',
  source: 'asked for by the newspaper',
  notes: '',
}
const codesOf = (...rows: Partial<ListRow>[]) =>
  lintRows(rows.map((row, at) => ({ ...good, line: at + 2, ...row }))).map(
    ({ line, code }) => `${line} ${code}`,
  )

describe('lintRows()', () => {
  it('has nothing to say of a good row', () => {
    expect(codesOf({}, { url: 'https://other.bamako.ml/' })).toEqual([])
  })

  it.each([
    ['no URL', { url: ' ' }, ['2 no_url']],
    ['a word', { url: 'news.bamako.ml' }, ['2 bad_url']],
    ['3,000 characters', { url: `https://a.ml/${'x'.repeat(3_000)}` }, ['2 bad_url']],
    ['a mail address', { url: 'mailto:a@b.ml' }, ['2 not_web']],
    ['a script', { url: 'javascript:alert(1)' }, ['2 not_web']],
    ['a password', { url: 'https://me:secret@a.ml/' }, ['2 user_info']],
    ['an address at home', { url: 'https://192.168.1.1/' }, ['2 private_host']],
    ['the same in one number', { url: 'https://3232235777/' }, ['2 private_host', '2 not_normal']],
    ['the same in octal', { url: 'https://0300.0250.1.1/' }, ['2 private_host', '2 not_normal']],
    ['the same in IPv6', { url: 'https://[::ffff:192.168.1.1]/' }, ['2 private_host', '2 not_normal']],
    ['a cloud’s own address', { url: 'https://169.254.169.254/' }, ['2 private_host']],
    ['this machine', { url: 'https://localhost/' }, ['2 private_host']],
    ['a router', { url: 'https://router/' }, ['2 private_host']],
    ['a printer', { url: 'https://printer.local/' }, ['2 private_host']],
    ['a name for examples', { url: 'https://www.example/' }, ['2 private_host']],
    ['a final dot', { url: 'https://nas.lan./' }, ['2 private_host']],
    ['a port of mail', { url: 'https://a.ml:25/' }, ['2 odd_port']],
    ['another port of the web', { url: 'https://a.ml:8443/' }, []],
    ['a public address', { url: 'https://1.1.1.1/' }, []],
    ['what is never sent', { url: 'https://a.ml/#top' }, ['2 fragment']],
    ['clear text', { url: 'http://a.ml/page' }, ['2 clear_text']],
    ['a path behind TLS', { url: 'https://a.ml/page' }, ['2 deep_link']],
    ['capitals', { url: 'HTTPS://A.ML/' }, ['2 not_normal']],
    ['another script', { url: 'https://b\u00e4nk.ml/' }, ['2 foreign_script', '2 not_normal']],
    ['no category', { category_code: '' }, ['2 unknown_category']],
    ['a category of objects', { category_code: 'constructor' }, ['2 unknown_category']],
    ['a category in small letters', { category_code: 'news' }, ['2 unknown_category']],
    ['a risky category', { category_code: 'GMB' }, ['2 consent']],
    ['nobody who wants it', { source: ' ' }, ['2 no_source']],
    ['the 30th of February', { date_added: '2026-02-30' }, ['2 bad_date']],
    ['no date', { date_added: '' }, []],
  ])('%s', (_, row, codes) => {
    expect(codesOf(row)).toEqual(codes)
  })

  it('finds what stands there twice, however it is spelled, and says where', () => {
    expect(codesOf({}, { url: 'https://NEWS.bamako.ml' })).toEqual(['3 not_normal', '3 duplicate'])
    expect(codesOf({}, { url: 'http://news.bamako.ml/' })).toEqual(['3 clear_text', '3 scheme_pair'])
    expect(codesOf({ url: 'https://a.ml/#x' }, { url: 'https://a.ml/' })).toEqual([
      '2 fragment',
      '3 duplicate',
    ])
  })

  it('refuses more rows than a device has time for', () => {
    const rows = Array.from({ length: 2_001 }, (_, n) => ({ url: `https://n${n}.bamako.ml/` }))
    expect(codesOf(...rows)).toEqual(['2002 too_many'])
    expect(codesOf(...rows.slice(1))).toEqual([])
  })

  it('keeps what a stranger wrote from the terminal', () => {
    const [{ words = '' } = {}] = lintRows([{ ...good, url: 'ftp://a\u001b[2Jb.ml/' }])
    expect(words).not.toContain('\u001b')
  })
})

describe('categories', () => {
  it('are those of the page, consent included', () => {
    const page = readFileSync(new URL('categories.md', import.meta.url), 'utf8')
    const named = [...page.matchAll(/\(`([A-Z]{3,5})`\)/g)].map(([, code]) => code)
    const risky = [...categories].filter(([, { needsConsent }]) => needsConsent).map(([code]) => code)
    expect(named.sort()).toEqual(risky.sort())
  })

  it('of what is not known need consent', () => {
    expect([needsConsent('NEWS'), needsConsent('NEWZ'), needsConsent('PORN')]).toEqual([false, true, true])
  })

  it('that need consent are in no list that comes with the programs', () => {
    expect(core.entries.filter(({ category_code }) => needsConsent(category_code))).toEqual([])
  })
})

describe('the page', () => {
  it('has every code that can be found', () => {
    const page = readFileSync(new URL('list-rows.md', import.meta.url), 'utf8')
    const source = readFileSync(new URL('lint-rows.ts', import.meta.url), 'utf8')
    const known = [...source.matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, code]) => code)
    expect(known.length).toBeGreaterThan(15)
    expect([...page.matchAll(/^\| `(\w+)` +\| (?:error|warning)/gm)].map(([, code]) => code).sort()).toEqual(
      known.sort(),
    )
  })
})
