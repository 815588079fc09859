// What `sonde once` does not begin: nothing is made when a file cannot be used that the configuration names.

import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { invoke } from '../../test/support/invoke.ts'

it.each([
  ['test_list', '/nonexistent/list.json', 'bad_test_list'],
  ['extra_ca', ['/nonexistent/ca.pem'], 'bad_config'],
])('makes no state folder when a file of %s cannot be used', async (field, value, code) => {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-once-'))
  const [config, state] = [join(folder, 'config.json'), join(folder, 'state')]
  writeFileSync(config, JSON.stringify({ [field]: value }))
  await expect(invoke(['once', '--config', config, '--state', state])).rejects.toMatchObject({ code })
  expect(existsSync(state)).toBe(false)
})
