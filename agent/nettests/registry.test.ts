import { expect, it } from 'vitest'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { registryOf } from './registry.ts'

const list = parseTestList(core)
const registry = registryOf(list.services)

it('registryOf() gives every nettest under its own name', () => {
  for (const [name, nettest] of Object.entries(registry)) expect(nettest.name).toBe(name)
})

it('registryOf() has a nettest for every entry of the core list', () => {
  for (const { nettest } of list.entries) expect(registry[nettest].version).toMatch(/^\d+\.\d+\.\d+$/)
})
