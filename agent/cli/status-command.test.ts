// What `sonde status` says of a folder where no cycle has run, and of one whose status is damaged.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { invoke } from '../../test/support/invoke.ts'

const state = mkdtempSync(join(tmpdir(), 'sonde-status-'))
const path = join(state, 'status.json')

it('says that no cycle has run where there is no status', async () => {
  expect(await invoke(['status', '--state', state])).toMatchObject({
    code: 3,
    out: 'No cycle has run here yet. Start one with: sonde run\n',
  })
})

it.each(['', '{', 'null', '{"v":1,"version":"1.2.3","sha2'])(
  'refuses the damaged status "%s", and says that the next cycle writes it anew',
  async (content) => {
    writeFileSync(path, content)
    for (const further of [[], ['--json']]) {
      await expect(invoke(['status', '--state', state, ...further])).rejects.toMatchObject({
        code: 'bad_state',
        exitCode: 66,
        message: `The status in ${path} is damaged or cannot be read. It is for looking at alone, and no result is lost with it: no agent is running, and the next cycle, of sonde run or once, writes it anew.`,
      })
    }
    expect(readdirSync(state)).toEqual(['status.json'])
  },
)

it('says the same of a folder in its place, which the next cycle moves out of the way', async () => {
  rmSync(path)
  mkdirSync(path)
  await expect(invoke(['status', '--state', state])).rejects.toMatchObject({
    code: 'bad_state',
    message: expect.stringContaining(`The status in ${path} is damaged or cannot be read.`),
  })
})
