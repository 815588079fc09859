import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { deviceLimits } from './trusted-set.ts'

it('the limits of a device are those of the page', () => {
  const page = readFileSync(new URL('../metadata.md', import.meta.url), 'utf8')
  const [, section = ''] = /^## 3 [^\n]*$([\s\S]*?)^## 4 /m.exec(page) ?? []
  const units: Readonly<Record<string, number>> = { KiB: 1_024, MiB: 1_048_576 }
  const found = [...section.matchAll(/^\| [^|]+ \| (\d+) ?([KM]iB)?[^|]* \|$/gm)].map(
    ([, number, unit]) => Number(number) * (units[unit ?? ''] ?? 1),
  )
  expect(found).toEqual(Object.values(deviceLimits))
})
