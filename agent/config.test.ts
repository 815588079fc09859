// Configuration: file, environment over it, and every fault named at once.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { collectorVariables } from '../tests-spec/command-line/variables.ts'
import { loadConfig } from './config.ts'
import { ActionableError } from './platform/actionable-error.ts'

function file(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'sonde-config-')), 'config.json')
  writeFileSync(path, content)
  return path
}

function refusal(path: string | null, env: Record<string, string> = {}): ActionableError {
  try {
    loadConfig(path, env)
  } catch (error) {
    if (error instanceof ActionableError) return error
    throw error
  }
  throw new Error('expected the configuration to be refused')
}

describe('loadConfig()', () => {
  it('gives every field its default when nothing is set', () => {
    expect(loadConfig(null, {})).toMatchObject({
      schedule: '*/15 * * * *',
      concurrency: 4,
      probe_cc: 'ZZ',
      lab: false,
    })
  })
  it('takes the environment over the file', () => {
    const path = file('{"probe_cc":"ML","concurrency":2}')
    const env = { SONDE_CONCURRENCY: '3', SONDE_PROBE_ASN: 'AS30985', SONDE_STATE: '/x', PATH: '/bin' }
    expect(loadConfig(path, env)).toMatchObject({ probe_cc: 'ML', concurrency: 3, probe_asn: 'AS30985' })
  })
  it('names every bad field with its place, not the first', () => {
    const error = refusal(file('{"probe_cc":"mali","concurency":2}'), { SONDE_SCHEDULE: 'hourly' })
    expect(error.code).toBe('bad_config')
    expect(error.exitCode).toBe(78)
    expect(error.message).toContain('probe_cc')
    expect(error.message).toContain('concurency')
    expect(error.message).toContain('SONDE_SCHEDULE')
  })
  it('names every unknown field, with what was probably meant, and blames no variable for it', () => {
    const path = file(
      '{"foo":1,"concurency":2,"constructor":3,"__proto__":4,"resolvers":[{"ip":"::1","prot":53}]}',
    )
    expect(refusal(path).message.replaceAll(path, 'FILE').split('\n')).toEqual([
      'Cannot use the configuration:',
      '  FILE: resolvers.0.transport: is missing',
      '  FILE: resolvers.0.port: is missing',
      '  FILE: resolvers.0.prot: "prot" is no field; did you mean port?',
      '  FILE: foo: "foo" is no field',
      '  FILE: concurency: "concurency" is no field; did you mean concurrency?',
      '  FILE: constructor: "constructor" is no field',
      '  FILE: __proto__: "__proto__" is no field',
    ])
  })
  it('passes over the variables of the collector, and names the nearest of one that is unknown', () => {
    const env = Object.fromEntries(collectorVariables.map((name) => [name, '8080']))
    expect(loadConfig(null, env)).toEqual(loadConfig(null, {}))
    expect(
      refusal(null, {
        SONDE_PROB_CC: 'ML',
        SONDE_CONSTRUCTOR: '1',
        SONDE_FOO: '1',
        SONDE_STAET: '/x',
        ...env,
      }).message,
    ).toBe(
      'Cannot use the configuration:\n  SONDE_PROB_CC: there is no such setting; did you mean SONDE_PROBE_CC?\n  SONDE_CONSTRUCTOR: there is no such setting\n  SONDE_FOO: there is no such setting\n  SONDE_STAET: there is no such setting; did you mean SONDE_STATE?',
    )
  })
  it.each(['3', 'true', 'null', '"3"', '3e'])(
    'takes %s from a variable as text where the field is text',
    (text) => {
      const { probe_network_name } = loadConfig(null, { SONDE_PROBE_NETWORK_NAME: text })
      expect(probe_network_name).toBe(text === '"3"' ? '3' : text)
      expect(loadConfig(null, { SONDE_LOCAL_ADDRESS: 'null', SONDE_LAB: 'true' })).toMatchObject({
        local_address: null,
        lab: true,
      })
    },
  )
  it('takes an address or an interface to measure from', () => {
    const from = (text: string) => loadConfig(null, { SONDE_LOCAL_ADDRESS: text }).local_address
    expect(['10.0.0.3', '2001:db8::1', 'wlan0', 'rmnet_data0'].map(from)).toEqual([
      ...['10.0.0.3', '2001:db8::1', 'wlan0', 'rmnet_data0'],
    ])
    for (const text of ['10.0.0.300', 'wlan0/24', 'a'.repeat(16), '']) {
      expect(refusal(null, { SONDE_LOCAL_ADDRESS: text }).message).toContain('the name of an interface')
    }
  })
  it.each([
    ['tabs', '*/10\t*\t*\t*\t*'],
    ['blanks around it', '  */10  * * * * '],
    ['an end of line of another system', '*/10 * * * *\r\n'],
    ['blanks that do not break', '*/10\u00a0* * * *'],
  ])('takes a schedule with %s', (_, schedule) => {
    expect(loadConfig(null, { SONDE_SCHEDULE: schedule }).schedule).toBe('*/10 * * * *')
    expect(loadConfig(file(JSON.stringify({ schedule })), {}).schedule).toBe('*/10 * * * *')
  })
  it.each([' ML', 'ML ', 'ML\r', '\ufeffML', '"ML" \n'])(
    'takes %j from a variable without what is around it',
    (text) => {
      expect(loadConfig(null, { SONDE_PROBE_CC: text }).probe_cc).toBe('ML')
    },
  )
  it.each([
    ['4', 4],
    [' 4\r', 4],
    ['4.0', 4],
    ['1e1', 10],
  ])('takes the number %j from a variable', (text, number) => {
    expect(loadConfig(null, { SONDE_CONCURRENCY: text }).concurrency).toBe(number)
  })
  it.each([
    'NaN',
    'Infinity',
    '1e400',
    '0x4',
    '1e3',
    '4.5',
    '-1',
    '-0',
    '04',
    '4,0',
    '４',
    '',
    'four',
    'null',
    '"4"',
    '[4]',
  ])('refuses the number %j, in words', (text) => {
    const { message } = refusal(null, { SONDE_CONCURRENCY: text })
    expect(message).toMatch(/^Cannot use the configuration:\n {2}SONDE_CONCURRENCY: concurrency: expected /)
  })
  it.each([
    ['https://user:password@site.example/', 'without user and password'],
    ['https://site.example/a b', 'without blanks'],
    ['HTTPS://site.example/', 'in small letters'],
    ['site.example', 'expected'],
  ])('refuses the site %s of a provider', (text, words) => {
    expect(refusal(null, { SONDE_PROVIDER_SITE: text }).message).toContain(words)
  })
  const schedules = [
    '* * * *',
    '* * * * * *',
    '61 * * * *',
    '0 0 L * *',
    '0 0 31 2 *',
    '0 0 29 2 *x',
    '@daily',
    '',
  ]
  it.each(schedules)('refuses the schedule "%s"', (schedule) => {
    expect(refusal(null, { SONDE_SCHEDULE: schedule }).message).toContain('five cron fields')
  })
  it('takes the usual file when none is named and it is there', () => {
    const usual = file('{"probe_cc":"ML"}')
    expect(loadConfig(null, {}, usual).probe_cc).toBe('ML')
    expect(loadConfig(file('{"probe_cc":"SN"}'), {}, usual).probe_cc).toBe('SN')
    expect(loadConfig(null, {}, '/nonexistent/config.json').probe_cc).toBe('ZZ')
  })
  it('says which file cannot be read', () => {
    expect(refusal('/nonexistent/sonde.json').message).toContain('/nonexistent/sonde.json')
    expect(refusal(file('{')).message).toContain('config.json')
    expect(refusal(file('[]')).message).toContain('one JSON object')
  })
  it('says line and column of what is no JSON, on every Node.js alike', () => {
    expect(refusal(file('{\n  "probe_cc": "ML"\n  "lab": true\n}')).message).toMatch(
      /^Cannot read the configuration:\n {2}\/.*\/config\.json:3:3: expected a comma or }$/,
    )
  })
  it('refuses a file that is no text, and text with control characters', () => {
    const path = file('')
    writeFileSync(path, Buffer.from('{"probe_network_name":"caf\xe9"}', 'latin1'))
    expect(refusal(path).message).toBe(
      `Cannot read the configuration ${path}: it is no text in UTF-8: save it in that encoding`,
    )
    const words = refusal(file('{"test_list":"a\\u0000b","extra_ca":["ok","\\u001b[2J"]}')).message
    expect(words).toContain('test_list: "a\\u0000b" has a control character')
    expect(words).toContain('extra_ca.1: "\\u001b[2J" has a control character')
    expect(refusal(null, { SONDE_PROBE_NETWORK_NAME: 'a\nb' }).message).toBe(
      'Cannot use the configuration:\n  SONDE_PROBE_NETWORK_NAME: probe_network_name: "a\\u000ab" has a control character',
    )
  })
  it('does not wait for what is no file', () => {
    const pipe = join(mkdtempSync(join(tmpdir(), 'sonde-config-')), 'pipe')
    execFileSync('mkfifo', [pipe])
    expect(refusal(pipe).message).toBe(`Cannot read the configuration ${pipe}: it is no regular file`)
    expect(refusal(tmpdir()).message).toBe(`Cannot read the configuration ${tmpdir()}: it is a folder`)
    expect(refusal('/dev/zero').message).toContain('it is no regular file')
  })
  it('passes over the byte order mark of an editor that writes one', () => {
    expect(loadConfig(file('\uFEFF{"probe_cc":"ML"}'), {}).probe_cc).toBe('ML')
  })
})
