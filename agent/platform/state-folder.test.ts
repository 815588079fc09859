// Where state is kept, and what the operator is told when it cannot be written there.

import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeStateFolder, openStateFolder, stateFolderPath, usualConfigPath } from './state-folder.ts'

const fresh = () => mkdtempSync(join(tmpdir(), 'sonde-state-'))

it('makeStateFolder() makes a private folder, parents included', () => {
  const folder = makeStateFolder(join(fresh(), 'a', 'b'), {})
  for (const path of [folder.path, folder.spool, folder.log]) expect(statSync(path).mode & 0o777).toBe(0o700)
})

it('makeStateFolder() takes the XDG place when none is chosen', () => {
  const base = fresh()
  expect(makeStateFolder(null, { XDG_STATE_HOME: base }).path).toBe(join(base, 'sonde'))
})

it('makeStateFolder() ignores an XDG place that is no absolute path', () => {
  for (const XDG_STATE_HOME of ['', 'here'])
    expect(stateFolderPath({ XDG_STATE_HOME })).toBe(join(homedir(), '.local', 'state', 'sonde'))
})

it('usualConfigPath() is in the state folder that was chosen, else in the XDG place', () => {
  expect(usualConfigPath('/srv/sonde', { XDG_CONFIG_HOME: '/etc/xdg' })).toBe('/srv/sonde/config.json')
  expect(usualConfigPath(null, { XDG_CONFIG_HOME: '/etc/xdg' })).toBe('/etc/xdg/sonde/config.json')
  expect(usualConfigPath(null, {})).toBe(join(homedir(), '.config', 'sonde', 'config.json'))
})

it('makeStateFolder() says which folder cannot be written and what to do', () => {
  const file = join(fresh(), 'file')
  writeFileSync(file, '')
  expect(() => makeStateFolder(join(file, 'state'), {})).toThrow(
    /Cannot write to the state folder .*--state DIR/,
  )
})

it('makeStateFolder() does not spin where the system refuses to make folders', () => {
  expect(() => makeStateFolder('/proc/nope', {})).toThrow(/Cannot write to the state folder/)
})

it('openStateFolder() opens what is there, and makes and writes nothing', () => {
  const base = fresh()
  expect(openStateFolder(base, {}).status).toBe(join(base, 'status.json'))
  expect(readdirSync(base)).toEqual([])
})

it.each(['nowhere', 'file', 'file/below'])('openStateFolder() refuses %s, which is no folder', (name) => {
  const base = fresh()
  writeFileSync(join(base, 'file'), '')
  expect(() => openStateFolder(join(base, name), {})).toThrow(
    expect.objectContaining({
      code: 'no_state',
      exitCode: 66,
      message: expect.stringContaining('--state DIR'),
    }),
  )
  expect(readdirSync(base)).toEqual(['file'])
})
