// The command line, right and wrong.

import { describe, expect, it } from 'vitest'
import { readCommand } from './command-line.ts'

const usual = { host: '127.0.0.1', port: 8080, logLevel: 'info', helper: null, endpoints: null }
const read = (line: string, environment: NodeJS.ProcessEnv = {}) =>
  readCommand(line.split(' ').filter(Boolean), environment)

describe('readCommand()', () => {
  it.each([
    ['serve --state /s', { ...usual, name: 'serve', state: '/s' }],
    [
      'serve --state /s --host :: --port 0 --log warn',
      { name: 'serve', state: '/s', host: '::', port: 0, logLevel: 'warn', helper: null, endpoints: null },
    ],
    [
      'serve --state /s --helper',
      {
        ...usual,
        name: 'serve',
        state: '/s',
        helper: { allowPrivate: false, resolver: null },
        endpoints: null,
      },
    ],
    ['token --state=/s', { name: 'token', state: '/s' }],
    ['recipient --state /s', { name: 'recipient', state: '/s' }],
    ['import /media/stick --state /s', { name: 'import', state: '/s', stick: '/media/stick', json: false }],
    ['import . --json --state /s', { name: 'import', state: '/s', stick: '.', json: true }],
    [
      `revoke ${'a'.repeat(32)} --state /s`,
      { name: 'revoke', state: '/s', device: 'a'.repeat(32), undo: false },
    ],
    [
      `revoke ${'a'.repeat(32)} --undo --state /s`,
      { name: 'revoke', state: '/s', device: 'a'.repeat(32), undo: true },
    ],
    ['serve --state /s --endpoints /e.json', { ...usual, name: 'serve', state: '/s', endpoints: '/e.json' }],
    ['rebuild-index --state /s', { name: 'rebuild-index', state: '/s' }],
    ['verify a b --key K', { name: 'verify', files: ['a', 'b'], keys: ['K'], state: null, json: false }],
    ['verify a --state /s --json', { name: 'verify', files: ['a'], keys: [], state: '/s', json: true }],
    ['--help', { name: 'help' }],
    ['serve --help', { name: 'help' }],
    ['--version', { name: 'version' }],
  ])('reads %s', (line, command) => {
    expect(read(line)).toEqual(command)
  })

  it('takes from the environment what the line leaves open, and nothing else', () => {
    const environment = { SONDE_STATE: '/e', SONDE_HOST: '::1', SONDE_PORT: '9', SONDE_LOG: 'error' }
    const command = {
      name: 'serve',
      state: '/e',
      host: '::1',
      port: 9,
      logLevel: 'error',
      helper: null,
      endpoints: null,
    }
    expect(read('serve', environment)).toEqual(command)
    expect(read('serve --state /s --port 7', environment)).toMatchObject({ state: '/s', port: 7 })
  })

  it.each([
    ['', 'Say what to do'],
    ['serve', 'Say where to keep everything'],
    ['serve --state /s extra', 'Cannot understand "extra"'],
    ['fly --state /s', 'Cannot do "fly"'],
    ['serve --state /s --port 65536', 'Cannot listen on port "65536"'],
    ['serve --state /s --port http', 'Cannot listen on port "http"'],
    ['serve --state /s --log loud', 'Cannot log at "loud"'],
    ['serve --state /s --helper-allow-private', 'Say --helper'],
    ['verify --key K', 'Say which batch files'],
    ['verify a', 'Say whose batches these are'],
    ['import --state /s', 'Say where the stick is'],
    ['import a b --state /s', 'Cannot understand "b"'],
    ['import a', 'Say where to keep everything'],
    ['recipient a --state /s', 'Cannot understand "a"'],
    ['import a --state /s --key K', 'Cannot use --key or --json with import'],
    ['serve --state /s --json', 'Cannot use --key or --json with serve'],
    ['serve --state /s --undo', 'Cannot use --undo with serve'],
    ['token --state /s --endpoints /e', 'Cannot use --endpoints with token'],
    ['revoke --state /s', 'Say which probe'],
    ['revoke abc --state /s', 'Say which probe'],
    [`revoke ${'a'.repeat(32)} ${'b'.repeat(32)} --state /s`, 'Say which probe'],
    ['serve --stat /s', '--stat'],
    ['serve --state', '--state'],
  ])('refuses "%s"', (line, sentence) => {
    expect(() => read(line)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(sentence) }),
    )
  })
})
