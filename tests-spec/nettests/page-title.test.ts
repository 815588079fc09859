// Titles as pages really have them, and how browsers show them. A row is a page and its title; null is none.

import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { HeaderPair } from './http-header.ts'
import { plainText } from './page-text.ts'
import { titleOf } from './page-title.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16()
const type = (value: string): HeaderPair[] => [['Content-Type', value]]
const coding = (value: string): HeaderPair[] => [['Content-Encoding', value]]
const page = '<!doctype html><title>Été à Bamako</title><p>text</p>'
const long = 'x'.repeat(600)

type Row = readonly [what: string, body: Buffer | string, title: string | null, headers?: HeaderPair[]]

const rows: Row[] = [
  // Tags
  ['a plain one', '<title>Site bloqué</title>', 'Site bloqué'],
  ['capitals and attributes', '<TITLE lang="fr">A</TITLE>', 'A'],
  ['an end tag with a blank', '<title>A</title >', 'A'],
  ['an end tag with a line end', '<title>A</title\n>', 'A'],
  ['an end tag with more', '<title>A</title x="1">', 'A'],
  ['another element that begins alike', '<titles>A</titles><title>B</title>', 'B'],
  ['a sign of less', '<title>1 < 2</title>', '1 < 2'],
  ['a tag in it, which is none there', '<title>A <b>B</b></title>', 'A <b>B</b>'],
  ['no end, where the page is cut', '<title>Accès interd', 'Accès interd'],
  ['no end of its tag', '<title lang="f', null],
  ['none', '<p>none</p>', null],
  ['an empty one', '<title> \n </title>', null],
  ['line ends and blanks', '<title>\n  Accès\r\n  interdit\t</title>', 'Accès interdit'],
  ['one in a comment before it', '<!-- <title>Old</title> --><title>New</title>', 'New'],
  ['an empty comment before it', '<!--><title>New</title>', 'New'],
  ['one in a script before it', '<script>var a = "<title>No</title>"</script><title>Yes</title>', 'Yes'],
  ['one of a drawing before it', '<svg><title>Icon</title></svg><title>Page</title>', 'Page'],
  ['one in a comment without end', '<!-- <title>Old</title>', null],
  // Length
  ['600 characters, cut', `<title>${long}</title>`, long.slice(0, 512)],
  ['5,000 characters, cut', `<title>${'x'.repeat(5000)}</title>`, long.slice(0, 512)],
  ['a million characters, cut', `<title>${'é'.repeat(1_000_000)}</title>`, 'é'.repeat(512)],
  ['600 entities, cut behind them', `<title>${'&eacute;'.repeat(600)}</title>`, 'é'.repeat(512)],
  ['no half of a character at the cut', `<title>${'x'.repeat(511)}😀</title>`, 'x'.repeat(511)],
  // Charsets
  ['undeclared UTF-8', page, 'Été à Bamako'],
  ['undeclared Latin-1', latin1(page), 'Été à Bamako'],
  [
    'undeclared UTF-8 before bytes that are not',
    Buffer.concat([Buffer.from(page), Buffer.of(0xff)]),
    'Été à Bamako',
  ],
  ['undeclared UTF-8, cut in a character', Buffer.from('<title>Été').subarray(0, -1), 'Ét'],
  [
    'Windows-1251 by the header',
    latin1('<title>\xc4\xee\xf1\xf2\xf3\xef</title>'),
    'Доступ',
    type('text/html; charset=windows-1251'),
  ],
  [
    'Windows-1256 by a meta element',
    latin1('<meta charset="windows-1256"><title>\xcd\xcc\xc8</title>'),
    'حجب',
  ],
  [
    'Windows-1251 by the long form of it',
    latin1(
      '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><title>\xc4\xee</title>',
    ),
    'До',
  ],
  ['GB18030', latin1('<title>\xbd\xfb\xd6\xb9</title>'), '禁止', type('text/html; charset=GB18030')],
  ['Shift_JIS', latin1('<title>\x8b\x91\x94\xdb</title>'), '拒否', type('text/html;charset=Shift_JIS')],
  ['EUC-KR', latin1('<title>\xc2\xf7\xb4\xdc</title>'), '차단', type('text/html; charset="euc-kr"')],
  ['ISO-2022-JP', latin1('<title>\x1b$B5qH]\x1b(B</title>'), '拒否', type('text/html; charset=iso-2022-jp')],
  [
    'UTF-16 by its mark',
    Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(page, 'utf16le')]),
    'Été à Bamako',
  ],
  ['UTF-16, big end first', Buffer.concat([Buffer.of(0xfe, 0xff), utf16be(page)]), 'Été à Bamako'],
  [
    'UTF-8 by its mark, against the header',
    Buffer.from(`\ufeff${page}`),
    'Été à Bamako',
    type('text/html; charset=windows-1251'),
  ],
  [
    'the header against a meta element',
    Buffer.from('<meta charset="windows-1251"><title>É</title>'),
    'É',
    type('text/html; charset=utf-8'),
  ],
  ['a meta element of UTF-16, which can only be UTF-8', '<meta charset="utf-16"><title>É</title>', 'É'],
  ['a charset that is none', '<meta charset="nonsense"><title>É</title>', 'É'],
  [
    'a meta element behind the first kilobyte',
    Buffer.from(`${' '.repeat(1100)}<meta charset="windows-1251"><title>É</title>`),
    'É',
  ],
  // Entities
  ['numbers', '<title>&#201;t&#xE9; &#x1F600;</title>', 'Été 😀'],
  [
    'names',
    '<title>Acc&egrave;s &amp; refus &laquo;&nbsp;A&nbsp;&raquo; &ndash; B&hellip;</title>',
    'Accès & refus «\u00a0A\u00a0» – B…',
  ],
  ['an old name without a semicolon', '<title>A &amp B &eacute</title>', 'A & B é'],
  ['a name nobody knows', '<title>A &foo; &ndash B</title>', 'A &foo; &ndash B'],
  ['numbers of Windows-1252', '<title>&#146;&#x80;</title>', '’€'],
  ['numbers of no character', '<title>a&#0;&#xD800;&#x110000;</title>', 'a\ufffd\ufffd\ufffd'],
  ['what is written out once', '<title>&amp;lt;</title>', '&lt;'],
  // Packed
  ['gzip', gzipSync(page), 'Été à Bamako', coding('gzip')],
  ['x-gzip', gzipSync(page), 'Été à Bamako', coding('X-GZIP')],
  ['gzip that is cut', gzipSync(page + Math.random()).subarray(0, -12), 'Été à Bamako', coding('gzip')],
  ['deflate', deflateSync(page), 'Été à Bamako', coding('deflate')],
  ['deflate without its header', deflateRawSync(page), 'Été à Bamako', coding('deflate')],
  ['Brotli', brotliCompressSync(page), 'Été à Bamako', coding('br')],
  ['gzip by the header alone', page, 'Été à Bamako', coding('gzip')],
  ['gzip that no header names', gzipSync(page), null],
  [
    'a bomb',
    gzipSync(Buffer.concat([Buffer.from(page), Buffer.alloc(100_000_000)])),
    'Été à Bamako',
    coding('gzip'),
  ],
  ['a bomb of Brotli', brotliCompressSync(Buffer.alloc(100_000_000)), null, coding('br')],
]

describe('titleOf()', () => {
  const pages = rows.map(([what, body, title, headersList = []]) => ({
    ...{ what, title, headersList },
    body: typeof body === 'string' ? Buffer.from(body) : body,
  }))
  it.each(pages)('finds $what', ({ body, headersList, title }) => {
    expect(titleOf({ body, headersList })).toBe(title)
  })

  it.each([
    '<title ',
    '<title>',
    '<!--',
    '<!---->',
    '<script>',
    '<script></script>',
    '<svg></svg',
    '<',
    '&#',
    '<meta ',
    '<meta charset',
  ])('is done in time with a page of %s alone', (text) => {
    const started = performance.now()
    titleOf({ body: Buffer.from(text.repeat(1_000_000 / text.length)), headersList: [] })
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('plainText()', () => {
  it.each(['&'.repeat(100_000), '&a'.repeat(100_000), '&#'.repeat(100_000), ' \n'.repeat(100_000)])(
    'is done in time with 200,000 characters made to be slow',
    (text) => {
      const started = performance.now()
      plainText(text)
      expect(performance.now() - started).toBeLessThan(2_000)
    },
  )
})
