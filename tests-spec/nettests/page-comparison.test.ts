// The comparison of two pages, row by row: what must match, what must not, and what cannot be told.

import { describe, expect, it } from 'vitest'
import { comparePages, likeness, type Page, samePage } from './page-comparison.ts'

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

describe('likeness()', () => {
  const bare = (over: Partial<Page> = {}) => page({ headerNames: [], ...over })
  const rows: readonly (readonly [string, Page, Page, string])[] = [
    ['the same page', page(), page(), 'same'],
    ['the same title at another length', bare({ bodyLength: 100 }), page(), 'same'],
    ['the same length, titles on neither side', bare({ title: '' }), bare({ title: '' }), 'same'],
    ['the same length, and a title on one side', bare({ title: '' }), bare(), 'other'],
    ['the same length, one word of the title', bare({ title: 'Guardian, accueil' }), bare(), 'unclear'],
    ['a body that was cut before any title', bare({ bodyLength: null, title: '' }), bare(), 'unclear'],
    [
      'a body that was cut, and half of the title',
      bare({ bodyLength: null, title: 'Guardian' }),
      bare(),
      'unclear',
    ],
    ['two empty bodies', bare({ bodyLength: 0, title: '' }), bare({ bodyLength: 0, title: '' }), 'same'],
    ['an empty body for a page', bare({ bodyLength: 0, title: '' }), bare(), 'other'],
    [
      'a stock title of two firewalls, at two lengths',
      bare({ status: 403, bodyLength: 100, title: '403 Forbidden' }),
      bare({ status: 403, title: '403 Forbidden' }),
      'unclear',
    ],
    [
      'a cache of any make before another page',
      page({ headerNames: ['X-Cache'], title: 'Accès refusé' }),
      page({ headerNames: ['X-Cache'] }),
      'other',
    ],
    ['the same length, another title', bare({ title: 'Accès refusé' }), bare(), 'other'],
    ['nothing but the status', bare({ bodyLength: 100, title: '' }), bare({ title: '' }), 'other'],
    [
      'headers that everyone writes',
      page({ bodyLength: 100, title: '', headerNames: ['Connection', 'Content-Length'] }),
      page({ title: '', headerNames: ['connection', 'content-length'] }),
      'other',
    ],
    ['an uncommon header, all else another', page({ bodyLength: 100, title: 'Accueil' }), page(), 'unclear'],
    ['a body that was cut, the same title', bare({ bodyLength: null }), bare(), 'same'],
    ['another status', bare({ status: 403 }), bare(), 'other'],
    ['a helper that was turned away', bare(), bare({ status: 503 }), 'unclear'],
    ['both answered 404 alike', bare({ status: 404 }), bare({ status: 404 }), 'same'],
  ]
  it.each(rows)('%s', (_name, probe, helper, like) => {
    expect(likeness(probe, helper, false)).toBe(like)
  })

  it('is unclear and not other where the server is the same', () => {
    expect(likeness(bare({ title: 'Accès refusé' }), bare(), true)).toBe('unclear')
  })
})
