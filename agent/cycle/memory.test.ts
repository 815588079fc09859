// What stays of a cycle on the device: enough for the next one, and no name.

import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { unknownLink } from '../../tests-spec/nettests/verdict.ts'
import { opaqueId } from '../measurement/opaque-id.ts'
import { writeStateFile } from '../platform/state-file.ts'
import { Cuts } from './cuts.ts'
import type { Memory } from './cycle.ts'
import { readMemory, writeMemory } from './memory.ts'
import { noneWaiting } from './waiting.ts'

const path = join(mkdtempSync(join(tmpdir(), 'sonde-memory-')), 'memory.json')
const control = 'http://control.example/'
const history = { [opaqueId('web_connectivity https://site.example/')]: seen(opaqueId('ok')) }
const memory: Memory = {
  link: unknownLink,
  history,
  controls: { [control]: { failed: 2, alone: 1 }, 'http://other.example/': { failed: 1, alone: 0 } },
  waiting: noneWaiting,
  cuts: new Cuts(),
}

function seen(conclusion: string) {
  return { conclusion, fullOn: '2026-06-01', state: 'ok' as const }
}

it('names no control in the file, and knows again those that the list still has', async () => {
  await writeMemory(path, memory)
  expect(readFileSync(path, 'utf8')).not.toMatch(/example|http/)
  expect(await readMemory(path, [control])).toEqual({
    ...memory,
    controls: { [control]: { failed: 2, alone: 1 } },
  })
})

it.each([
  ['a target', { history: { 'web_connectivity https://site.example/': seen(opaqueId('ok')) } }],
  ['a verdict', { history: { [opaqueId('x')]: seen('ok web_connectivity/reached@1 null') } }],
  ['a control', { history: {}, controls: { [control]: { failed: 1, alone: 0 } } }],
])('of %s in plain words nothing is believed', async (_what, content) => {
  await writeStateFile(path, { link: unknownLink, ...content })
  expect((await readMemory(path, [control])).history).toEqual({})
  expect((await readMemory(path, [control])).controls).toEqual({})
})
