import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { refusalCodes } from './refusal.ts'

it('the codes of refusals all stand on the page, once and in order, and nothing else does', () => {
  const page = readFileSync(new URL('../metadata.md', import.meta.url), 'utf8')
  const [, section = ''] = /^## 4 [^\n]*$([\s\S]*?)^## 5 /m.exec(page) ?? []
  expect([...section.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code]) => code)).toEqual([...refusalCodes])
})
