// What belongs to a nettest, for each of all-nettests.ts: CONTRIBUTING.md, "Adding a nettest", has the same list in the
// order in which it is written. Whoever forgets one of these is told here.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { registryOf } from '../agent/nettests/registry.ts'
import { fileNameOf } from '../build/nettest-table.ts'
import { allNettests } from '../tests-spec/nettests/all-nettests.ts'
import type { NettestSpec } from '../tests-spec/nettests/nettest-spec.ts'
import type { Golden } from './golden/golden.ts'
import { root } from './support/source-tree.ts'

type Named = Pick<NettestSpec, 'name' | 'version' | 'input'>

const textOf = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '')

/** What a nettest lacks, in sentences. */
async function lacking(spec: Named): Promise<string[]> {
  const file = fileNameOf(spec)
  const page = textOf(`tests-spec/nettests/${file}.md`)
  const golden = `test/golden/${file}.ts`
  const measured: Readonly<Record<string, { readonly name: string; readonly measure?: unknown }>> =
    registryOf([])
  const has = {
    'a page that begins with its name': page.startsWith(`# ${spec.name}\n`),
    'its version in the page': page.includes(`\`test_version\` \`${spec.version}\``),
    'a unit test beside its rules': textOf(`tests-spec/nettests/${file}.test.ts`) !== '',
    'golden samples': textOf(golden) !== '' && (await samplesIn(golden)) > 0,
    'the schema of its test_keys': textOf(`tests-spec/schemas/test-keys-${spec.name}.schema.json`) !== '',
    'a row in the table of tests-spec': textOf('tests-spec/README.md').includes(`[\`${spec.name}\`](`),
    // The link is checked by the agent of its own accord.
    'a way to be measured':
      spec.input === null
        ? textOf(`agent/nettests/${file}.ts`) !== ''
        : measured[spec.name]?.name === spec.name && typeof measured[spec.name]?.measure === 'function',
  }
  return Object.entries(has).flatMap(([what, is]) => (is ? [] : [`${spec.name} lacks ${what}`]))
}

async function samplesIn(path: string): Promise<number> {
  const { golden }: { golden: Golden } = await import(
    /* @vite-ignore */ new URL(`../${path}`, import.meta.url).href
  )
  return golden.samples.length
}

it.each(allNettests.map((spec) => [spec.name, spec] as const))(
  '%s has all that belongs to it',
  async (_, spec) => {
    expect(await lacking(spec)).toEqual([])
  },
)

it('what is missing is told, piece by piece', async () => {
  for (const input of [null, allNettests[0].input])
    expect(await lacking({ name: 'not_there', version: '9.9.9', input })).toHaveLength(7)
  expect(await lacking({ ...allNettests[0], version: '9.9.9' })).toEqual([
    'web_connectivity lacks its version in the page',
  ])
})

it('every nettest has a name of its own, and the agent measures no other', () => {
  const names = allNettests.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const listed = allNettests.filter(({ input }) => input !== null).map(({ name }) => name)
  expect(Object.keys(registryOf([])).sort()).toEqual([...listed].sort())
})
