// The command line, right and wrong. What the reader does by any table is tested beside it.

import { describe, expect, it } from 'vitest'
import { readCommandLine } from '../tests-spec/command-line/read-command-line.ts'
import { sondeCollector } from './command-line.ts'

const read = (line: string, environment: Record<string, string> = {}) =>
  readCommandLine(sondeCollector, line.split(' ').filter(Boolean), environment)

describe('the command line of sonde-collector', () => {
  it.each([
    ['serve --state /s', 'serve'],
    ['serve --state /s --host :: --port 0 --log warn --endpoints /e.json', 'serve'],
    ['serve --state /s --helper-resolver [::1]:53 --helper-allow-private', 'serve'],
    ['token --state=/s', 'token'],
    ['recipient --state /s', 'recipient'],
    ['import . --json --state /s', 'import'],
    [`revoke ${'a'.repeat(32)} --undo --state /s`, 'revoke'],
    ['rebuild-index --state /s', 'rebuild-index'],
    ['verify a b --key K --key L', 'verify'],
    ['verify a --state /s --json', 'verify'],
  ])('reads %s', (line, name) => {
    expect(read(line)).toMatchObject({ kind: 'command', command: { name } })
  })

  it('takes from the environment what the line leaves open', () => {
    const environment = { SONDE_STATE: '/e', SONDE_HOST: '::1', SONDE_PORT: '9', SONDE_LOG: 'error' }
    const reading = read('serve --port 7', environment)
    if (reading.kind !== 'command') throw new Error('expected a command')
    const { given } = reading
    expect(['state', 'host', 'port', 'log'].map((name) => given.value(name))).toEqual([
      '/e',
      '::1',
      '7',
      'error',
    ])
  })

  it.each([
    ['', 'Say what to do'],
    ['serve', 'serve wants --state DIR, or SONDE_STATE'],
    ['serve --state /s extra', 'serve takes nothing after it: "extra"'],
    ['fly --state /s', 'There is no command "fly"'],
    ['rebuild --state /s', 'Did you mean rebuild-index?'],
    ['serve --state /s --port 65536', '--port cannot be "65536": expected 0 to 65535'],
    ['serve --state /s --port http', '--port cannot be "http"'],
    ['serve --state /s --log loud', '--log cannot be "loud": expected debug, info, warn, error'],
    [
      'serve --state /s --no-helper --helper-allow-private',
      '--no-helper and --helper-allow-private say two things',
    ],
    ['verify --key K', 'FILE is missing: sonde-collector verify FILE...'],
    ['import --state /s', 'DIR is missing'],
    ['import a b --state /s', 'import takes no more after it: "b"'],
    ['import a', 'import wants --state DIR'],
    ['import a --state /s --key K', 'import takes no --key: it belongs to verify'],
    ['serve --state /s --json', 'serve takes no --json: it belongs to import, probes, logs, verify'],
    ['token --state /s --endpoints /e', 'token takes no --endpoints: it belongs to serve'],
    ['revoke --state /s', 'DEVICE is missing'],
    ['revoke abc --state /s', 'DEVICE cannot be "abc": expected 32 hex digits'],
    ['export --state /s --since 2026-02-30', '--since cannot be "2026-02-30": expected a date'],
    ['export --state /s --asn 30985', '--asn cannot be "30985": expected AS and a number'],
    ['export --state /s --test-name nope', '--test-name cannot be "nope": expected web_connectivity, '],
    [
      'export --state /s --verdict anomly',
      'expected ok, anomaly, link_down, undetermined. Did you mean anomaly?',
    ],
    ['serve --stat /s', 'There is no option --stat. Did you mean --state?'],
    ['serve --state', '--state wants DIR after it'],
  ])('refuses "%s"', (line, sentence) => {
    const reading = read(line)
    expect(reading.kind === 'faults' && reading.faults.join('\n')).toContain(sentence)
  })
})
