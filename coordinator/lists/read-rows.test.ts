import { describe, expect, it } from 'vitest'
import { root } from '../../test/support/source-tree.ts'
import { lintRows } from '../../tests-spec/lists/lint-rows.ts'
import { readRows, readRowsFile } from './read-rows.ts'

const head = 'url,category_code,category_description,date_added,source,notes'
const urlsOf = (text: string) => readRows(text, 'a.csv').rows.map(({ url, line }) => `${line} ${url}`)

describe('readRows()', () => {
  it.each([
    ['as the Citizen Lab has it', `${head}\nhttps://a.ml/,NEWS,News,2020-01-01,me,\n`],
    [
      'from a spreadsheet',
      `\ufeff${head.replaceAll(',', ';')}\r\nhttps://a.ml/;NEWS;News;2020-01-01;me;\r\n`,
    ],
    ['with tabs', `${head.replaceAll(',', '\t')}\nhttps://a.ml/\tNEWS\tNews\t2020-01-01\tme\t`],
    ['with quotation marks', `${head}\n"https://a.ml/",NEWS,"News, and more",2020-01-01,me,"""so"""`],
    ['with capitals and blanks', `URL , Category_Code,source\n https://a.ml/ ,NEWS,me`],
    ['in another order', `category_code,url\nNEWS,https://a.ml/`],
    ['without its last cells', `${head}\nhttps://a.ml/,NEWS`],
  ])('reads a list %s', (_, text) => {
    expect(readRows(text, 'a.csv').rows).toMatchObject([
      { line: 2, url: 'https://a.ml/', category_code: 'NEWS' },
    ])
  })

  it('counts lines as an editor does', () => {
    const text = `${head}\n\nhttps://a.ml/,NEWS,,,,"two\nlines"\n\n,,,,,\nhttps://b.ml/,NEWS\n`
    expect(urlsOf(text)).toEqual(['4 https://a.ml/', '7 https://b.ml/'])
  })

  it('names columns that it does not read', () => {
    expect(readRows('url,category_code,priority,\n', 'a.csv')).toEqual({
      rows: [],
      unknownColumns: ['priority'],
    })
  })

  it.each([
    ['nothing', '', 'a.csv is empty'],
    ['no column of URLs', 'site,category_code\n', 'a.csv has no column "url"'],
    ['rows without a first line', 'https://a.ml/,NEWS\n', 'a.csv has no column "url"'],
    ['a column twice', 'url,category_code,url\n', 'a.csv has two columns "url"'],
    ['a stray quotation mark', `${head}\n"https://a.ml/,NEWS\n`, 'a.csv is no CSV in line'],
  ])('refuses %s in words', (_, text, words) => {
    expect(() => readRows(text, 'a.csv')).toThrow(words)
  })

  it('reads the list of Mali, which has no errors', () => {
    const { rows, unknownColumns } = readRowsFile(`${root}/tests-spec/lists/mali.csv`)
    expect(rows.length).toBeGreaterThan(30)
    expect(unknownColumns).toEqual([])
    expect(lintRows(rows).map(({ level, code }) => `${level} ${code}`)).toEqual(['warning clear_text'])
  })
})
