// The golden tables of all nettests: the samples in the file here that bears a nettest's name, with its spec.

import { allNettests } from '../../tests-spec/nettests/all-nettests.ts'
import type { NettestSpec } from '../../tests-spec/nettests/nettest-spec.ts'
import type { Golden, Sample } from './golden.ts'

export interface Table extends Golden {
  readonly spec: NettestSpec
  readonly nettest: string
  /** Its own rules, and in one table those that all share. */
  readonly rules: readonly string[]
}

async function tableOf(spec: NettestSpec): Promise<Table> {
  const file = new URL(`${spec.name.replaceAll('_', '-')}.ts`, import.meta.url).href
  const { golden }: { golden: Golden } = await import(/* @vite-ignore */ file)
  const rules = [...new Set([...(golden.sharedRules ?? []), ...spec.rules])]
  return { ...golden, spec, nettest: spec.name, rules }
}

export const goldenTables = await Promise.all(allNettests.map(tableOf))

export const concluded = ({ spec, asked }: Table, { seen, circumstances, outside }: Sample) =>
  spec.conclude(seen, circumstances, { ...asked, outside: outside ?? undefined })
