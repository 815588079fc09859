// No text that came from outside becomes markup.

import { describe, expect, it } from 'vitest'
import { Html, html } from './html.ts'

describe('html', () => {
  it.each([
    ['markup', '<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['the end of an attribute', `" onload='x'`, '&quot; onload=&#39;x&#39;'],
    ['an entity', '&lt;', '&amp;lt;'],
    ['a line break and a NUL', 'a\nb\0c', 'a\ufffdb\ufffdc'],
    ['text turned around', 'gnp.\u202eexe', 'gnp.\ufffdexe'],
    ['other scripts, which are left alone', 'Ségou ߞߊ 日本', 'Ségou ߞߊ 日本'],
  ])('escapes %s', (_, text, escaped) => {
    expect(html`<p title="${text}">${text}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`)
  })

  it('escapes once what is put together from pieces', () => {
    const cells = ['<', '&'].map((text) => html`<td>${text}`)
    expect(html`<tr>${cells}${Html.trusted('<hr>')}${3}`.text).toBe('<tr><td>&lt;<td>&amp;<hr>3')
  })
})
