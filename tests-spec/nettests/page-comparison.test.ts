// The comparison of two pages, row by row: what must match, what must not, and what cannot be told.

import { describe, expect, it } from 'vitest'
import { comparePages, type Page, samePage } from './page-comparison.ts'

const page = (over: Partial<Page> = {}): Page => ({
  status: 200,
  bodyLength: 1000,
  title: 'Guardian Project',
  headerNames: ['Content-Type', 'X-Request-Id'],
  ...over,
})

describe('samePage()', () => {
  const rows: readonly [string, Page, Page, boolean][] = [
    ['the same page', page(), page(), true],
    ['a page that grew by a quarter', page({ bodyLength: 1250, headerNames: [] }), page(), true],
    ['another length and headers, the same title', page({ bodyLength: 200, headerNames: [] }), page(), true],
    [
      'another title and length, one uncommon header in common',
      page({ bodyLength: 200, title: 'Accueil' }),
      page(),
      true,
    ],
    [
      'a block page with status 200',
      page({ bodyLength: 312, title: 'Site bloqué', headerNames: ['Server', 'Date'] }),
      page(),
      false,
    ],
    [
      'a block page with status 403',
      page({ status: 403, bodyLength: 312, title: 'Forbidden' }),
      page(),
      false,
    ],
    [
      'a helper that got a captcha page: nothing to compare',
      page(),
      page({ status: 403, title: 'Just a moment' }),
      false,
    ],
    ['both answered 404 alike', page({ status: 404 }), page({ status: 404 }), true],
    ['a redirect is not a final page', page({ status: 302 }), page(), false],
  ]
  it.each(rows)('%s', (_name, probe, helper, same) => {
    expect(samePage(comparePages(probe, helper))).toBe(same)
  })
})

describe('comparePages()', () => {
  it('says null, not false, when the helper was turned away', () => {
    expect(comparePages(page(), page({ status: 503 })).status_code_match).toBeNull()
  })
  it('says null for a body that was cut, or is empty on a side', () => {
    expect(comparePages(page({ bodyLength: null }), page()).body_length_match).toBeNull()
    expect(comparePages(page({ bodyLength: 0 }), page()).body_length_match).toBeNull()
  })
  it('takes exactly seven tenths as different', () => {
    expect(comparePages(page({ bodyLength: 700 }), page()).body_length_match).toBe(false)
    expect(comparePages(page({ bodyLength: 701 }), page()).body_length_match).toBe(true)
  })
  it('two empty titles match, one empty title does not', () => {
    expect(comparePages(page({ title: '' }), page({ title: '' })).title_match).toBe(true)
    expect(comparePages(page({ title: '' }), page()).title_match).toBe(false)
  })
})
