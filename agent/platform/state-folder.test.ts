// Where state goes, and what is said when it cannot go there.

import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStateFolder, stateFolderPath, usualConfigPath } from './state-folder.ts'

const fresh = () => mkdtempSync(join(tmpdir(), 'sonde-state-'))

test('openStateFolder() makes a private folder, parents included', () => {
  const folder = openStateFolder(join(fresh(), 'a', 'b'), {})
  for (const path of [folder.path, folder.spool, folder.log]) expect(statSync(path).mode & 0o777).toBe(0o700)
})

test('openStateFolder() takes the XDG place when none is chosen', () => {
  const base = fresh()
  expect(openStateFolder(null, { XDG_STATE_HOME: base }).path).toBe(join(base, 'sonde'))
})

test('openStateFolder() ignores an XDG place that is no absolute path', () => {
  for (const XDG_STATE_HOME of ['', 'here'])
    expect(stateFolderPath({ XDG_STATE_HOME })).toBe(join(homedir(), '.local', 'state', 'sonde'))
})

test('usualConfigPath() is in the state folder that was chosen, else in the XDG place', () => {
  expect(usualConfigPath('/srv/sonde', { XDG_CONFIG_HOME: '/etc/xdg' })).toBe('/srv/sonde/config.json')
  expect(usualConfigPath(null, { XDG_CONFIG_HOME: '/etc/xdg' })).toBe('/etc/xdg/sonde/config.json')
  expect(usualConfigPath(null, {})).toBe(join(homedir(), '.config', 'sonde', 'config.json'))
})

test('openStateFolder() says which folder cannot be written and what to do', () => {
  const file = join(fresh(), 'file')
  writeFileSync(file, '')
  expect(() => openStateFolder(join(file, 'state'), {})).toThrow(
    /Cannot write to the state folder .*--state DIR/,
  )
})

test('openStateFolder() does not spin where the system refuses to make folders', () => {
  expect(() => openStateFolder('/proc/nope', {})).toThrow(/Cannot write to the state folder/)
})
